//! The small pictures beside a pass: a mark for its icon, and the issuer's name.

use super::{
    Fitted, Press,
    canvas::{Canvas, Style},
    is_arabic, plain,
};

/// A ticket with a hole, on a square.
pub(in crate::tickets) fn mark(side: usize) -> String {
    let mut canvas = Canvas::default();
    canvas.draw(&format!(
        "<g transform=\"scale({}.{:03})\"><rect width=\"100\" height=\"100\" fill=\"#181b3a\"/>\
         <path d=\"M14 30h72v13a7 7 0 0 0 0 14v13H14V57a7 7 0 0 0 0-14z\" fill=\"#ffffff\"/>\
         <path d=\"M60 34v32\" stroke=\"#181b3a\" stroke-width=\"3\" stroke-dasharray=\"4 4\"/>\
         <path d=\"M30 41v18l15-9z\" fill=\"#6d28d9\"/></g>",
        side / 100,
        side % 100 * 10,
    ));
    canvas.finish(side, side)
}

/// A name in white on nothing, as wide as a wallet's logo may be.
pub(in crate::tickets) fn word_mark(press: &Press, name: &str, height: usize) -> String {
    let width = height * 16 / 5;
    let style = Style::new(height / 2, 700, "#ffffff");
    let name = Fitted::line(press, style, &plain(name, 40), width - 4);
    let mut canvas = Canvas::default();
    let baseline = height * 2 / 3;
    if is_arabic(&name) {
        canvas.arabic((press.width(style, &name).min(width - 4) + 2, baseline), style, &name);
    } else {
        canvas.english((2, baseline), style, &name);
    }
    canvas.finish(width, height)
}
