//! A panic is a mistake of ours: it is a line and an error like any other, in the trace it happened in.

use std::panic::{PanicHookInfo, set_hook};

/// From now on panics are told as errors instead of being printed.
pub(super) fn tell() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, ToString::to_string);
        tracing::error!(place, "a panic at {place}: {}", message(panic));
    }));
}

fn message<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    panic.payload_as_str().unwrap_or("without words")
}
