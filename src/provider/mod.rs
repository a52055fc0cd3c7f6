//! Composition: the provider `replicated` made of the framework, the middle and the edge.
