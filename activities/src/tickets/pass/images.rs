//! The images that every pass has: an icon and the issuer's name. Drawn once, when Usher starts.

use super::{
    super::picture::{Press, Undrawable, mark, word_mark},
    bundle::File,
};

pub(super) struct Images(Vec<File>);

impl Images {
    pub(super) fn draw(press: &Press, organization: &str) -> Result<Self, Undrawable> {
        let icon = |side: usize| press.png(&mark(side));
        let logo = |height: usize| press.transparent_png(&word_mark(press, organization, height));
        Ok(Self(vec![
            File::new("icon.png", icon(29)?),
            File::new("icon@2x.png", icon(58)?),
            File::new("icon@3x.png", icon(87)?),
            File::new("logo.png", logo(50)?),
            File::new("logo@2x.png", logo(100)?),
            File::new("logo@3x.png", logo(150)?),
        ]))
    }

    pub(super) fn files(&self) -> impl Iterator<Item = File> {
        self.0.iter().cloned()
    }
}
