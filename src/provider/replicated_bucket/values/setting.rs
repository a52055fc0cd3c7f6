//! What a setting comes to: the value that is written, the one that was there before, or the default.

use crate::framework::model::Attr;

use Attr::{Known, Null, Unknown};

/// The written value; else the one that was there before; else the default. While it is not known whether there
/// was one before, the value is unknown, too.
pub(crate) fn setting<T: Clone>(
    written: &Attr<T>,
    before: Attr<&T>,
    default: impl FnOnce() -> Attr<T>,
) -> Attr<T> {
    written.clone().or(|| before.map(T::clone).or(default))
}

/// An attribute of something that may not be there, or not be known.
pub(crate) trait Get<'a, T: 'a> {
    fn get<U>(&self, attribute: impl FnOnce(&'a T) -> &'a Attr<U>) -> Attr<&'a U>;
}

impl<'a, T: 'a> Get<'a, T> for Attr<&'a T> {
    fn get<U>(&self, attribute: impl FnOnce(&'a T) -> &'a Attr<U>) -> Attr<&'a U> {
        match self {
            Null => Null,
            Unknown => Unknown,
            Known(object) => attribute(object).as_ref(),
        }
    }
}
