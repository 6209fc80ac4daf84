//! An SVG under construction: boxes, lines and text, with every text escaped and every Arabic line kept together.

use std::fmt::Write;

/// How text looks.
#[derive(Clone, Copy)]
pub(in crate::tickets) struct Style {
    pub size: usize,
    /// 400, 600 or 700: the weights that are embedded.
    pub weight: usize,
    pub color: &'static str,
    /// Space between letters, in pixels. Arabic letters join, so they get none.
    pub spacing: usize,
}

impl Style {
    pub(super) const fn new(size: usize, weight: usize, color: &'static str) -> Self {
        Self { size, weight, color, spacing: 0 }
    }
}

/// Which point of a line of text `x` is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// Its left end; for text that reads from the left.
    Left,
    /// Its right end; for Arabic, which reads from there.
    Right,
    Middle,
}

/// Top to bottom, in pixels.
#[derive(Default)]
pub(super) struct Canvas {
    definitions: String,
    body: String,
}

impl Canvas {
    pub(super) fn define(&mut self, svg: &str) {
        self.definitions.push_str(svg);
    }

    /// Our own SVG. Nothing from elsewhere may be in it: that goes through `text`.
    pub(super) fn draw(&mut self, svg: &str) {
        self.body.push_str(svg);
    }

    /// One line from the left.
    pub(super) fn english(&mut self, (x, y): (usize, usize), style: Style, text: &str) {
        self.line(Anchor::Left, (x, y), style, text);
    }

    /// One line from the right, in right-to-left order, whatever digits and names are in it.
    pub(super) fn arabic(&mut self, (x, y): (usize, usize), style: Style, text: &str) {
        self.line(Anchor::Right, (x, y), style, text);
    }

    /// One line around its middle; in left-to-right order.
    pub(super) fn middle(&mut self, (x, y): (usize, usize), style: Style, text: &str) {
        self.line(Anchor::Middle, (x, y), style, text);
    }

    /// Puts what another canvas has over this one.
    pub(super) fn put_over(&mut self, other: &Self) {
        self.definitions.push_str(&other.definitions);
        self.body.push_str(&other.body);
    }

    fn line(&mut self, anchor: Anchor, (x, y): (usize, usize), style: Style, text: &str) {
        let svg = line(anchor, (x, y), style, text);
        self.body.push_str(&svg);
    }

    pub(super) fn finish(&self, width: usize, height: usize) -> String {
        let Self { definitions, body } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\"><defs>{definitions}</defs>{body}</svg>"
        )
    }
}

/// The renderer takes every paragraph for left-to-right; an isolate (RLI … PDI) makes one right-to-left.
pub(super) fn line(anchor: Anchor, (x, y): (usize, usize), style: Style, text: &str) -> String {
    let (name, open, close) = match anchor {
        Anchor::Left => ("start", "", ""),
        Anchor::Middle => ("middle", "", ""),
        Anchor::Right => ("end", "&#x2067;", "&#x2069;"),
    };
    let Style { size, weight, color, spacing } = style;
    let mut svg = String::new();
    // Writing into a string cannot fail.
    let _ = write!(
        svg,
        "<text x=\"{x}\" y=\"{y}\" font-family=\"{FAMILY}\" font-size=\"{size}\" font-weight=\"{weight}\" \
         letter-spacing=\"{spacing}\" fill=\"{color}\" text-anchor=\"{name}\">{open}{}{close}</text>",
        escaped(text)
    );
    svg
}

/// The embedded fonts' family.
pub(super) const FAMILY: &str = "Usher Sans";

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            _ => safe.push(c),
        }
    }
    safe
}
