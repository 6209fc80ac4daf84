//! The ticket as a guest shows it at the door: one picture in Arabic and English, made for a phone's screen.
//!
//! From the top: the film, when and where, the seats; the code for the door, as large as fits; the tax invoice. Arabic
//! stands on the right and reads from there. Digits are Latin in both languages, as on the cinema's doors.

mod canvas;
mod fitting;
mod marks;
mod press;
#[cfg(test)]
mod tests;
mod words;

use super::{
    qr::Qr,
    zatca::{Seller, decimal, vat_minor},
};
use canvas::{Canvas, Style};
use fitting::Fitted;
pub(in crate::tickets) use marks::{mark, word_mark};
pub(in crate::tickets) use press::{Press, Undrawable};
use schema::tickets::{Bilingual, Facts};
pub(in crate::tickets) use words::{date, money, plain, time};

const WIDTH: usize = 720;
/// The card, and the margin in it.
const CARD_LEFT: usize = 20;
const CARD_RIGHT: usize = WIDTH - CARD_LEFT;
const LEFT: usize = 60;
const RIGHT: usize = WIDTH - LEFT;
const MIDDLE: usize = WIDTH / 2;
/// Of a line that is said in both languages.
const HALF: usize = 290;
const HEADER: usize = 286;

const PAGE: &str = "#e8ebf1";
const INK: &str = "#12151c";
const QUIET: &str = "#667085";
const LINE: &str = "#d5dae3";
const CHIP: &str = "#eef1f6";
const WHITE: &str = "#ffffff";
const FADED: &str = "#e4e9f5";

/// The header's colours, from the top left to the bottom right. White text is readable on each.
const POSTERS: [[&str; 2]; 6] = [
    ["#1e1b4b", "#6d28d9"],
    ["#0c1f3f", "#0369a1"],
    ["#3b0764", "#be185d"],
    ["#042f2e", "#0f766e"],
    ["#431407", "#b45309"],
    ["#1f1147", "#b91c4b"],
];

/// The longest texts that are looked at, in characters. More does not fit on a phone.
const TITLE: usize = 120;
const NAME: usize = 60;
/// Kinds of tickets that are listed by name.
const KINDS: usize = 4;

/// The ticket's picture as PNG. The same facts give the same bytes.
pub(in crate::tickets) fn draw(
    press: &Press,
    facts: &Facts,
    seller: &Seller,
    invoice_qr: &str,
) -> Result<Vec<u8>, Undrawable> {
    let too_long = || Undrawable::because("a text that does not fit into a QR");
    let door = Qr::for_the_door(&facts.vista_booking_id).ok_or_else(too_long)?;
    let invoice = Qr::for_paper(invoice_qr).ok_or_else(too_long)?;
    let mut ticket = Ticket { press, facts, canvas: Canvas::default(), y: 0 };
    ticket.header();
    ticket.when_and_where();
    ticket.seats();
    ticket.tear_line();
    ticket.door(&door);
    ticket.tear_line();
    ticket.invoice(seller, &invoice);
    press.png(&ticket.finish())
}

/// Drawn from the top down; `y` is how far it has come.
struct Ticket<'a> {
    press: &'a Press,
    facts: &'a Facts,
    canvas: Canvas,
    y: usize,
}

impl Ticket<'_> {
    /// The film. Where a poster would be there are its colours, which are always the same for one film.
    fn header(&mut self) {
        let facts = self.facts;
        let letters = facts
            .film
            .en
            .bytes()
            .fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let [from, to] = POSTERS[letters % POSTERS.len()];
        self.canvas.define(&format!(
            "<linearGradient id=\"poster\" x1=\"0\" y1=\"0\" x2=\"1\" y2=\"1\"><stop offset=\"0\" stop-color=\"{from}\"/>\
             <stop offset=\"1\" stop-color=\"{to}\"/></linearGradient>"
        ));
        let (top, bottom) = (CARD_LEFT, CARD_LEFT + HEADER);
        self.canvas.draw(&format!(
            "<path d=\"M{CARD_LEFT} {bottom}V{}q0-32 32-32H{}q32 0 32 32V{bottom}z\" fill=\"url(#poster)\"/>",
            top + 32,
            CARD_RIGHT - 32,
        ));
        self.beam(top, bottom);
        let cinema = names(&facts.cinema, NAME);
        self.y = top + 52;
        self.both(Style::new(24, 600, FADED), &cinema.en, &cinema.ar);
        self.titles(top + 64, bottom - 22);
    }

    /// A projector's beam, faint.
    fn beam(&mut self, top: usize, bottom: usize) {
        let (far, near) = (top + 26, bottom - 26);
        self.canvas.draw(&format!(
            "<path d=\"M{CARD_RIGHT} {far}L{CARD_LEFT} {top}V{bottom}z\" transform=\"translate(0 20)\" fill=\"#ffffff\" \
             fill-opacity=\"0\"/><path d=\"M{CARD_RIGHT} {far}L{CARD_LEFT} {}V{near}z\" fill=\"#ffffff\" \
             fill-opacity=\"0.07\"/><path d=\"M{CARD_RIGHT} {far}L{CARD_LEFT} {}V{near}z\" fill=\"#ffffff\" \
             fill-opacity=\"0.06\"/>",
            top + 96,
            top + 176,
        ));
    }

    /// Arabic above English, each as large as its half allows; one alone gets all of it.
    fn titles(&mut self, top: usize, bottom: usize) {
        let film = names(&self.facts.film, TITLE);
        let width = RIGHT - LEFT;
        if film.ar == film.en {
            let fitted = Fitted::block(self.press, &film.en, width, bottom - top);
            self.canvas_lines(&fitted, top, bottom, false);
            return;
        }
        let half = (bottom - top) / 2;
        let arabic = Fitted::block(self.press, &film.ar, width, half);
        self.canvas_lines(&arabic, top, top + half, true);
        let english = Fitted::block(self.press, &film.en, width, half);
        self.canvas_lines(&english, top + half, bottom, false);
    }

    fn canvas_lines(&mut self, fitted: &Fitted, top: usize, bottom: usize, is_arabic: bool) {
        let style = Style::new(fitted.size, 700, WHITE);
        let leading = fitted.leading();
        let height = leading * fitted.lines.len();
        // Letters stand on the baseline, about a quarter above the bottom of their line.
        let mut y = top + (bottom - top).saturating_sub(height) / 2 + leading * 3 / 4;
        for line in &fitted.lines {
            if is_arabic {
                self.canvas.arabic((RIGHT, y), style, line);
            } else {
                self.canvas.english((LEFT, y), style, line);
            }
            y += leading;
        }
    }

    /// Time, date and hall, each in both languages.
    fn when_and_where(&mut self) {
        self.y = CARD_LEFT + HEADER + 66;
        let (date, time) = (date(self.facts.starts_at), time(self.facts.starts_at));
        let large = Style::new(46, 700, INK);
        self.both(large, &time.en, &time.ar);
        self.y += 42;
        self.both(Style::new(26, 600, QUIET), &date.en, &date.ar);
        self.y += 54;
        let hall = names(&self.facts.hall, 24);
        let value = Style::new(30, 700, INK);
        let rating = self
            .facts
            .rating
            .as_deref()
            .map(|rating| plain(rating, 6))
            .filter(|rating| !rating.is_empty());
        if let Some(rating) = rating {
            self.chip(MIDDLE, &rating, Style::new(22, 700, INK));
        }
        self.both(value, &hall.en, &hall.ar);
    }

    /// English from the left, Arabic from the right, on one line. Said once if both are the same.
    fn both(&mut self, style: Style, english: &str, arabic: &str) {
        let alone = english == arabic;
        let width = if alone { RIGHT - LEFT } else { HALF };
        let (fitted, text) = Fitted::shrunk(self.press, style, english, width);
        self.canvas.english((LEFT, self.y), fitted, &text);
        if !alone {
            let (fitted, text) = Fitted::shrunk(self.press, style, arabic, width);
            self.canvas.arabic((RIGHT, self.y), fitted, &text);
        }
    }

    /// A text in a rounded box around `x`, on the current line.
    fn chip(&mut self, x: usize, text: &str, style: Style) {
        let width = self.press.width(style, text) + 32;
        let (left, top, height) = (x - width / 2, self.y - style.size - 8, style.size + 22);
        self.canvas.draw(&format!(
            "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"12\" fill=\"{CHIP}\" \
             stroke=\"{LINE}\"/>"
        ));
        self.canvas.middle((x, self.y), style, text);
    }

    /// The seats as they are written on them, five in a row, and what kinds of tickets they are.
    fn seats(&mut self) {
        const IN_A_ROW: usize = 5;
        const GAP: usize = 14;
        self.y += 52;
        self.both(Style::new(22, 400, QUIET), "Seats", "المقاعد");
        self.y += 22;
        let wide = (RIGHT - LEFT - GAP * (IN_A_ROW - 1)) / IN_A_ROW;
        let style = Style::new(30, 700, INK);
        for row in self.facts.seats.chunks(IN_A_ROW) {
            let used = wide * row.len() + GAP * (row.len() - 1);
            let mut left = MIDDLE - used / 2;
            for seat in row {
                let top = self.y;
                self.canvas.draw(&format!(
                    "<rect x=\"{left}\" y=\"{top}\" width=\"{wide}\" height=\"56\" rx=\"14\" fill=\"{CHIP}\" \
                     stroke=\"{LINE}\"/>"
                ));
                self.canvas.middle((left + wide / 2, top + 39), style, &plain(seat, 6));
                left += wide + GAP;
            }
            self.y += 56 + GAP;
        }
        self.y += 28;
        self.kinds();
    }

    fn kinds(&mut self) {
        let style = Style::new(25, 600, INK);
        for kind in self.facts.tickets.iter().take(KINDS) {
            let name = names(&kind.name, 28);
            let english = format!("{} × {}", kind.count, name.en);
            let arabic = format!("{} × {}", kind.count, name.ar);
            self.both(style, &english, if name.en == name.ar { &english } else { &arabic });
            self.y += 36;
        }
        if self.facts.tickets.len() > KINDS {
            self.both(style, "…", "…");
            self.y += 36;
        }
        self.y -= 8;
    }

    /// Where a paper ticket would be torn off.
    fn tear_line(&mut self) {
        self.y += 14;
        let (y, from, to) = (self.y, CARD_LEFT + 36, CARD_RIGHT - 36);
        self.canvas.draw(&format!(
            "<path d=\"M{from} {y}H{to}\" stroke=\"{LINE}\" stroke-width=\"3\" stroke-dasharray=\"10 10\"/>\
             <circle cx=\"{CARD_LEFT}\" cy=\"{y}\" r=\"20\" fill=\"{PAGE}\"/>\
             <circle cx=\"{CARD_RIGHT}\" cy=\"{y}\" r=\"20\" fill=\"{PAGE}\"/>"
        ));
    }

    /// The code that opens the door, and the same in letters for when the scanner is broken.
    fn door(&mut self, qr: &Qr) {
        self.y += 48;
        self.both(Style::new(22, 400, QUIET), "Show this at the door", "أبرز هذا الرمز عند الدخول");
        self.y += 4;
        let module = (470 / qr.modules()).clamp(4, 16);
        let side = qr.modules() * module;
        let path = qr.path(MIDDLE - side / 2, self.y, module);
        self.canvas
            .draw(&format!("<path d=\"{path}\" fill=\"#000000\" shape-rendering=\"crispEdges\"/>"));
        self.y += side;
        let spaced = Style { spacing: 6, ..Style::new(42, 700, INK) };
        self.canvas.middle((MIDDLE, self.y + 10), spaced, &plain(&self.facts.vista_booking_id, 16));
        self.y += 22;
    }

    /// What was paid, the tax in it, who has sold, and the tax authority's QR.
    fn invoice(&mut self, seller: &Seller, qr: &Qr) {
        const MODULE: usize = 4;
        let side = qr.modules() * MODULE;
        // Its quiet zone may stand in the card's margin.
        let (qr_left, top) = (CARD_RIGHT - 24 - side, self.y + 20);
        let path = qr.path(qr_left, top, MODULE);
        self.canvas
            .draw(&format!("<path d=\"{path}\" fill=\"#000000\" shape-rendering=\"crispEdges\"/>"));

        let edge = qr_left - 4;
        let (total, vat) =
            (money(self.facts.total), decimal(vat_minor(self.facts.total.amount_minor)));
        let small = Style::new(19, 400, QUIET);
        self.y += 46;
        self.canvas.english((LEFT, self.y), small, "Total incl. VAT");
        self.canvas.arabic((edge, self.y), small, "الإجمالي مع الضريبة");
        self.y += 46;
        self.canvas.english((LEFT, self.y), Style::new(38, 700, INK), &total.en);
        self.y += 34;
        self.canvas.english((LEFT, self.y), small, &format!("VAT 15%: {vat}"));
        self.canvas.arabic((edge, self.y), small, &format!("ضريبة 15%: {vat}"));
        self.y += 40;
        let name = Style::new(20, 600, INK);
        let seller_name = plain(seller.name(), NAME);
        for line in Fitted::wrap(self.press, name, &seller_name, edge - LEFT, 2) {
            if is_arabic(&line) {
                self.canvas.arabic((edge, self.y), name, &line);
            } else {
                self.canvas.english((LEFT, self.y), name, &line);
            }
            self.y += 28;
        }
        self.canvas.english((LEFT, self.y), small, &format!("VAT no. {}", seller.vat_number()));
        self.y += 28;
        let paid = date(self.facts.paid_at).en;
        self.canvas.english(
            (LEFT, self.y),
            small,
            &format!("Paid {paid}, {}", time(self.facts.paid_at).en),
        );
        self.y = (self.y + 36).max(top + side + 8);
    }

    fn finish(mut self) -> String {
        let (card_height, height) = (self.y - CARD_LEFT, self.y + CARD_LEFT);
        let drawn = std::mem::take(&mut self.canvas);
        let mut page = Canvas::default();
        page.draw(&format!(
            "<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"{PAGE}\"/><rect x=\"{CARD_LEFT}\" y=\"{CARD_LEFT}\" \
             width=\"{}\" height=\"{card_height}\" rx=\"32\" fill=\"{WHITE}\"/>",
            CARD_RIGHT - CARD_LEFT
        ));
        page.put_over(&drawn);
        page.finish(WIDTH, height)
    }
}

fn names(name: &Bilingual, longest: usize) -> Bilingual {
    Bilingual { en: plain(&name.en, longest), ar: plain(&name.ar, longest) }
}

/// Whether a line is to be read from the right.
pub(in crate::tickets) fn is_arabic(text: &str) -> bool {
    text.chars().any(|c| ('\u{600}'..='\u{6FF}').contains(&c))
}
