//! The server against a provider made for the purpose.
