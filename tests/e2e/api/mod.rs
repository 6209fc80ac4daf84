//! What apps build against: waiting, streams, pages, and a documentation that is true.

mod bodies;
mod document;
mod pages;
mod stream;
mod streams;
mod waiting;
