//! Making text fit: it shrinks, then wraps, then ends in an ellipsis.

use super::{INK, Press, canvas::Style};

/// The sizes a title may have, the largest first.
const SIZES: [usize; 6] = [54, 46, 40, 34, 29, 25];
const WEIGHT: usize = 700;

/// Lines that fit, and their size.
pub(super) struct Fitted {
    pub size: usize,
    pub lines: Vec<String>,
}

impl Fitted {
    /// As large as it gets within a box, in one or two lines; what does not fit even then ends in an ellipsis.
    pub(super) fn block(press: &Press, text: &str, width: usize, height: usize) -> Self {
        let one_line = press.width(Style::new(100, WEIGHT, INK), text);
        let fits_one = |size: usize| one_line * size <= width * 100 && leading(size) <= height;
        if let Some(size) = SIZES.into_iter().take(3).find(|size| fits_one(*size)) {
            return Self { size, lines: vec![text.to_owned()] };
        }
        let two_high = |size: &usize| 2 * leading(*size) <= height;
        for size in SIZES.into_iter().filter(two_high) {
            let style = Style::new(size, WEIGHT, INK);
            let lines = wrapped(press, style, text, width);
            if lines.len() <= 2 && lines.iter().all(|line| press.width(style, line) <= width) {
                return Self { size, lines };
            }
        }
        let size = SIZES.into_iter().rfind(two_high).unwrap_or(25);
        Self { size, lines: Self::wrap(press, Style::new(size, WEIGHT, INK), text, width, 2) }
    }

    pub(super) const fn leading(&self) -> usize {
        leading(self.size)
    }

    /// One line that may become a quarter smaller before it ends in an ellipsis.
    pub(super) fn shrunk(press: &Press, style: Style, text: &str, width: usize) -> (Style, String) {
        let smaller = |size| Style { size, ..style };
        let sizes = (style.size * 3 / 4..=style.size).rev().step_by(2).map(smaller);
        if let Some(fits) = sizes.clone().find(|style| press.width(*style, text) <= width) {
            return (fits, text.to_owned());
        }
        let style = sizes.last().unwrap_or(style);
        (style, Self::line(press, style, text, width))
    }

    /// One line, ended by an ellipsis where it does not fit.
    pub(super) fn line(press: &Press, style: Style, text: &str, width: usize) -> String {
        if press.width(style, text) <= width {
            return text.to_owned();
        }
        let letters: Vec<char> = text.chars().collect();
        // The longest beginning that fits, by halving: a dozen looks at most.
        let (mut fits, mut too_long) = (0, letters.len());
        let shortened = |count: usize| {
            let beginning: String = letters.iter().take(count).collect();
            format!("{}…", beginning.trim_end())
        };
        while fits + 1 < too_long {
            let middle = usize::midpoint(fits, too_long);
            if press.width(style, &shortened(middle)) <= width {
                fits = middle;
            } else {
                too_long = middle;
            }
        }
        shortened(fits)
    }

    /// At most so many lines; the last one may end in an ellipsis.
    pub(super) fn wrap(
        press: &Press,
        style: Style,
        text: &str,
        width: usize,
        most: usize,
    ) -> Vec<String> {
        let mut lines = wrapped(press, style, text, width);
        if lines.len() > most {
            let rest = lines.split_off(most - 1).join(" ");
            lines.push(rest);
        }
        lines.iter().map(|line| Self::line(press, style, line, width)).collect()
    }
}

const fn leading(size: usize) -> usize {
    size * 4 / 3
}

/// Broken between words. A word that is wider than the line is a line of its own.
fn wrapped(press: &Press, style: Style, text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let longer = lines.last().map(|line| format!("{line} {word}"));
        match (lines.last_mut(), longer) {
            (Some(line), Some(longer)) if press.width(style, &longer) <= width => *line = longer,
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
