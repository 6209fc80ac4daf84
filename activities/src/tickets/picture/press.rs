//! From SVG to PNG, with the embedded fonts and nothing else: no file, no network, the same bytes for the same text.

use super::canvas::{Anchor, FAMILY, Style, line};
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Node, Options, Tree, fontdb::Database},
};
use std::{fmt::Display, sync::Arc};

const FONTS: [&[u8]; 3] = [
    include_bytes!("../fonts/UsherSans-Regular.ttf"),
    include_bytes!("../fonts/UsherSans-SemiBold.ttf"),
    include_bytes!("../fonts/UsherSans-Bold.ttf"),
];

/// Why a picture could not be made. The same text fails again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ticket cannot be drawn: {0}")]
pub(crate) struct Undrawable(String);

impl Undrawable {
    pub(super) fn because(reason: impl Display) -> Self {
        Self(reason.to_string())
    }
}

/// Draws. Its fonts are read once.
pub(in crate::tickets) struct Press {
    options: Options<'static>,
}

impl Press {
    pub(in crate::tickets) fn new() -> Self {
        let mut fonts = Database::new();
        for font in FONTS {
            fonts.load_font_data(font.to_vec());
        }
        // What names another family would vanish without this.
        fonts.set_serif_family(FAMILY);
        let mut options = Options {
            font_family: FAMILY.to_owned(),
            fontdb: Arc::new(fonts),
            ..Options::default()
        };
        // Nothing in a ticket names a picture; should it, none is read.
        options.image_href_resolver.resolve_string = Box::new(|_, _| None);
        Self { options }
    }

    /// How wide a line of Arabic or Latin text is, in pixels, as it will be shaped.
    pub(in crate::tickets) fn width(&self, style: Style, text: &str) -> usize {
        let text = line(Anchor::Left, (0, 100), style, text);
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"1\">{text}</svg>"
        );
        let Ok(tree) = Tree::from_str(&svg, &self.options) else { return 0 };
        let widest = tree.root().children().iter().filter_map(|node| match node {
            Node::Text(text) => Some(text.bounding_box().width()),
            Node::Group(_) | Node::Path(_) | Node::Image(_) => None,
        });
        widest.map(whole).max().unwrap_or(0)
    }

    /// Draws the SVG as an opaque PNG.
    pub(in crate::tickets) fn png(&self, svg: &str) -> Result<Vec<u8>, Undrawable> {
        let pixels = self.pixels(svg)?;
        let mut opaque = vec![0; pixels.data().len() / 4 * 3];
        for (seen, pixel) in opaque.chunks_exact_mut(3).zip(pixels.data().chunks_exact(4)) {
            seen.copy_from_slice(&pixel[..3]);
        }
        encode(&opaque, pixels.width(), pixels.height(), png::ColorType::Rgb)
    }

    /// Draws the SVG as a PNG that may be seen through.
    pub(in crate::tickets) fn transparent_png(&self, svg: &str) -> Result<Vec<u8>, Undrawable> {
        let pixels = self.pixels(svg)?;
        let (width, height) = (pixels.width(), pixels.height());
        encode(&pixels.take_demultiplied(), width, height, png::ColorType::Rgba)
    }

    fn pixels(&self, svg: &str) -> Result<Pixmap, Undrawable> {
        let tree = Tree::from_str(svg, &self.options).map_err(Undrawable::because)?;
        let size = tree.size().to_int_size();
        let mut pixels = Pixmap::new(size.width(), size.height())
            .ok_or_else(|| Undrawable::because("no such size"))?;
        resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
        Ok(pixels)
    }
}

/// Flat colours compress well whatever the effort, and a burst of tickets must not cost more than it has to.
fn encode(
    bytes: &[u8],
    width: u32,
    height: u32,
    color: png::ColorType,
) -> Result<Vec<u8>, Undrawable> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(Undrawable::because)?;
    writer.write_image_data(bytes).map_err(Undrawable::because)?;
    writer.finish().map_err(Undrawable::because)?;
    Ok(file)
}

/// Rounded up.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a width in pixels: a few thousand at most, and never negative; `as` saturates"
)]
fn whole(pixels: f32) -> usize {
    pixels.ceil() as usize
}
