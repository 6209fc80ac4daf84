//! Reads a ticket's picture as the cinema's scanners do: from its dark squares, not from what we meant to draw.

/// Pixels of one square: scanners need more than one.
const SCALE: usize = 4;

/// The text in an SVG whose dark squares are drawn as `M{x},{y}h1v1h-1`; or why it cannot be read.
pub(super) fn read(svg: &str) -> Result<String, String> {
    let side = between(svg, "viewBox=\"0 0 ", " ").and_then(|side| side.parse().ok());
    let side: usize = side.ok_or("no size")?;
    let path = between(svg, " d=\"", "\"").ok_or("no squares")?;
    let mut dark = vec![false; side * side];
    for square in path.split('M').skip(1) {
        let corner = square.strip_suffix("h1v1h-1").and_then(|corner| corner.split_once(','));
        let corner = corner.and_then(|(x, y)| Some((x.parse().ok()?, y.parse().ok()?)));
        let (x, y): (usize, usize) = corner.ok_or_else(|| format!("not a square: {square}"))?;
        *dark.get_mut(y * side + x).ok_or("a square outside of the picture")? = true;
    }
    let pixels = side * SCALE;
    let shade = |x, y| if dark[y / SCALE * side + x / SCALE] { 0 } else { 255 };
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(pixels, pixels, shade);
    match &*picture.detect_grids() {
        [only] => only.decode().map(|(_, text)| text).map_err(|error| error.to_string()),
        found => Err(format!("{} codes in it", found.len())),
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}
