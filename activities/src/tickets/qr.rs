//! QR codes: as squares for a picture, and alone as an SVG.

use fast_qr::{
    ECL, QRBuilder, QRCode,
    convert::{Builder, svg::SvgBuilder},
};
use std::fmt::Write;

/// The white border that scanners want, in modules.
const QUIET: usize = 4;

/// A QR code. Byte mode or denser, at the given correction.
pub(super) struct Qr(QRCode);

impl Qr {
    /// For the door: it survives a quarter of it being unreadable. None: too long for a QR, which holds hundreds.
    pub(super) fn for_the_door(text: &str) -> Option<Self> {
        QRBuilder::new(text).ecl(ECL::Q).build().ok().map(Self)
    }

    /// For more text, read from near: it survives a seventh.
    pub(super) fn for_paper(text: &str) -> Option<Self> {
        QRBuilder::new(text).ecl(ECL::M).build().ok().map(Self)
    }

    /// Modules along a side, the quiet zone included.
    pub(super) const fn modules(&self) -> usize {
        self.0.size + 2 * QUIET
    }

    /// The dark modules as an SVG path, `module` pixels each, with the quiet zone's corner at `(x, y)`.
    pub(super) fn path(&self, x: usize, y: usize, module: usize) -> String {
        let mut path = String::new();
        for row in 0..self.0.size {
            let top = y + (row + QUIET) * module;
            let mut column = 0;
            while column < self.0.size {
                let run = self.dark_run(row, column);
                if run > 0 {
                    let (left, width) = (x + (column + QUIET) * module, run * module);
                    // Writing into a string cannot fail.
                    let _ = write!(path, "M{left} {top}h{width}v{module}h-{width}z");
                }
                column += run + 1;
            }
        }
        path
    }

    /// As an SVG of its own, one square a module.
    pub(super) fn svg(&self) -> String {
        SvgBuilder::default().margin(QUIET).to_str(&self.0)
    }

    /// How many dark modules follow each other from here on.
    fn dark_run(&self, row: usize, column: usize) -> usize {
        (column..self.0.size).take_while(|at| self.0[row][*at].value()).count()
    }
}
