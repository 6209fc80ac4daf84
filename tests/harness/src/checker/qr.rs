//! Reads a ticket's picture from its dark squares, not from what we meant to draw.

use rqrr::{Grid, SimpleGrid};
use std::collections::BTreeSet;

/// The text in an SVG whose dark squares are drawn as `M{x},{y}h1v1h-1`; or why it cannot be read.
pub(super) fn read(svg: &str) -> Result<String, String> {
    let path = between(svg, " d=\"", "\"").ok_or("no squares")?;
    let dark: Option<BTreeSet<(usize, usize)>> = path.split('M').skip(1).map(square).collect();
    let dark = dark.ok_or("something else than squares")?;
    // The corners of a code are dark, so its edge is where the first and the last square are.
    let first = dark.iter().map(|(x, _)| *x).min().ok_or("no squares")?;
    let last = dark.iter().map(|(x, _)| *x).max().ok_or("no squares")?;
    let code =
        SimpleGrid::from_func(last + 1 - first, |x, y| dark.contains(&(first + x, first + y)));
    Grid::new(code).decode().map(|(_, text)| text).map_err(|error| error.to_string())
}

fn square(drawn: &str) -> Option<(usize, usize)> {
    let (x, y) = drawn.strip_suffix("h1v1h-1")?.split_once(',')?;
    Some((x.parse().ok()?, y.parse().ok()?))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}
