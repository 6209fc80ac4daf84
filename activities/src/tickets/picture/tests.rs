//! The picture, read as a scanner and a guest would; and drawn for people to look at.

use super::*;
use schema::{money::Money, tickets::TicketCount};
use std::{collections::BTreeSet, fs, path::Path, time::Instant};

fn both(en: &str, ar: &str) -> Bilingual {
    Bilingual { en: en.to_owned(), ar: ar.to_owned() }
}

fn facts() -> Facts {
    Facts {
        booking: "bk_01K9BBBBBBBBBBBBBBBBBBBBBB".parse().unwrap(),
        vista_booking_id: "WNZW39Q".to_owned(),
        film: both("Night Over Diriyah", "ليلة فوق الدرعية"),
        rating: Some("PG12".to_owned()),
        minutes: Some(127),
        cinema: both("Riyadh Park", "الرياض بارك"),
        hall: both("Screen 5", "شاشة 5"),
        starts_at: "2026-11-21T18:30:00Z".parse().unwrap(),
        seats: ["A1", "A2"].map(str::to_owned).into(),
        tickets: vec![TicketCount { name: both("Adult", "بالغ"), count: 2 }],
        total: Money::sar(11_500),
        paid_at: "2026-11-21T14:05:09Z".parse().unwrap(),
    }
}

fn seller() -> Seller {
    Seller::new("شركة السينما السعودية", "300000000000003").unwrap()
}

fn picture(press: &Press, facts: &Facts) -> Vec<u8> {
    picture_by(press, facts, &seller())
}

fn picture_by(press: &Press, facts: &Facts, seller: &Seller) -> Vec<u8> {
    let invoice = seller.invoice_qr(facts.paid_at, facts.total).unwrap();
    draw(press, facts, seller, &invoice).unwrap()
}

/// The grey of each pixel.
fn decoded(png: &[u8]) -> (usize, usize, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let grey = |pixel: &[u8]| pixel.iter().map(|part| u16::from(*part)).sum::<u16>() / 3;
    let pixels = bytes.chunks_exact(3).map(|pixel| u8::try_from(grey(pixel)).unwrap()).collect();
    let size = |side: u32| usize::try_from(side).unwrap();
    (size(info.width), size(info.height), pixels)
}

/// Everything that a QR reader finds.
fn codes(png: &[u8]) -> BTreeSet<String> {
    let (width, height, grey) = decoded(png);
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| grey[y * width + x]);
    image.detect_grids().iter().map(|grid| grid.decode().unwrap().1).collect()
}

/// How much of a region is not background.
fn inked(png: &[u8], (left, right): (usize, usize), (top, bottom): (usize, usize)) -> usize {
    let (width, _, grey) = decoded(png);
    let region = (top..bottom).flat_map(|y| grey[y * width + left..y * width + right].to_vec());
    region.filter(|grey| *grey < 128).count()
}

fn cases() -> Vec<(&'static str, Facts)> {
    let ten: Vec<String> = (1..=10).map(|n| format!("H{n}")).collect();
    let many = |en: &str, ar: &str, count| TicketCount { name: both(en, ar), count };
    vec![
        ("usual", facts()),
        (
            "long",
            Facts {
                film: both(
                    "The Extraordinary and Entirely True Chronicle of the Seven Wells of the Empty Quarter, Part 2",
                    "الحكاية العجيبة والحقيقية تماما عن الآبار السبعة في الربع الخالي ورحلة القافلة الأخيرة إلى البحر الجزء 2",
                ),
                cinema: both(
                    "The Esplanade at Riyadh Boulevard City",
                    "الرياض بوليفارد سيتي ذا إسبلاناد",
                ),
                seats: ten.clone(),
                tickets: vec![
                    many("Adult", "بالغ", 4),
                    many("Child", "طفل", 3),
                    many(
                        "Student with a very long name of it",
                        "طالب باسم طويل جدا لا ينتهي أبدا هنا",
                        2,
                    ),
                    many("Senior", "كبار السن", 1),
                ],
                total: Money::sar(57_500),
                ..facts()
            },
        ),
        (
            "digits",
            Facts {
                film: both("Fast & Furious 11: Part 2", "السرعة والغضب 11: الجزء 2 (IMAX 3D)"),
                hall: both("IMAX 1", "آيماكس 1"),
                seats: ten[..6].to_vec(),
                starts_at: "2026-11-21T21:30:00Z".parse().unwrap(),
                ..facts()
            },
        ),
        (
            "english",
            Facts {
                film: both("Falcon Season", "Falcon Season"),
                rating: None,
                seats: vec!["AA12".to_owned()],
                total: Money::sar(0),
                ..facts()
            },
        ),
    ]
}

#[test]
fn both_codes_are_read_from_the_picture_as_they_were_meant() {
    let press = Press::new();
    for (name, facts) in cases() {
        let invoice = seller().invoice_qr(facts.paid_at, facts.total).unwrap();
        let meant = BTreeSet::from([facts.vista_booking_id.clone(), invoice]);
        assert_eq!(codes(&picture(&press, &facts)), meant, "{name}");
    }
    let long = Seller::new(&"س".repeat(127), "300000000000003").unwrap();
    let found = codes(&picture_by(&press, &facts(), &long));
    assert!(found.contains(&long.invoice_qr(facts().paid_at, facts().total).unwrap()), "{found:?}");
}

#[test]
fn the_same_facts_are_the_same_bytes() {
    assert_eq!(picture(&Press::new(), &facts()), picture(&Press::new(), &facts()));
}

#[test]
fn hostile_names_are_text_and_nothing_else() {
    let press = Press::new();
    let hostile = [
        "</text><image href=\"file:///etc/passwd\"/><text>",
        "a\u{0}b\u{1b}[31m\u{202e}drowssap\u{2067}",
        "&#x0;&amp;<![CDATA[",
        "",
    ];
    for text in hostile.map(str::to_owned).into_iter().chain(["س".repeat(10_000)]) {
        let facts = Facts {
            film: both(&text, &text),
            cinema: both(&text, &text),
            hall: both(&text, "شاشة"),
            rating: Some(text.clone()),
            seats: vec![text.clone()],
            tickets: vec![TicketCount { name: both(&text, &text), count: 1 }],
            ..facts()
        };
        let picture = picture(&press, &facts);
        assert!(codes(&picture).contains("WNZW39Q"), "{text}");
    }
    let too_long = Facts { vista_booking_id: "W".repeat(5_000), ..facts() };
    assert!(draw(&press, &too_long, &seller(), "x").is_err());
}

/// A font that does not resolve makes its text vanish without a word.
#[test]
fn every_line_of_text_leaves_ink() {
    let press = Press::new();
    let picture = picture(&press, &facts());
    let below = CARD_LEFT + HEADER;
    for (what, sides, lines) in [
        ("the time in English", (LEFT, MIDDLE), (below + 28, below + 70)),
        ("the time in Arabic", (MIDDLE, RIGHT), (below + 28, below + 70)),
    ] {
        assert!(inked(&picture, sides, lines) > 200, "{what}");
    }
    for text in ["Night Over Diriyah", "ليلة فوق الدرعية", "شاشة 5", "115.00 ر.س", "×", "…"]
    {
        assert!(press.width(Style::new(30, 700, INK), text) > 5, "{text}");
    }
}

#[test]
fn long_titles_shrink_wrap_and_end_in_an_ellipsis() {
    let press = Press::new();
    let fit = |text: &str| Fitted::block(&press, text, 600, 100);
    assert_eq!(fit("Dune").lines, ["Dune"]);
    assert!(fit("Dune").size > fit("A title of some more words than that").size);
    let endless = fit(&"كلمة ".repeat(200));
    assert_eq!(endless.lines.len(), 2);
    assert!(endless.lines[1].ends_with('…'));
    let style = Style::new(endless.size, 700, INK);
    assert!(endless.lines.iter().all(|line| press.width(style, line) <= 600));
    let one_word = fit(&"W".repeat(500));
    assert!(
        one_word
            .lines
            .iter()
            .all(|line| press.width(Style::new(one_word.size, 700, INK), line) <= 600)
    );
}

/// `cargo test -p activities --lib gallery -- --ignored --nocapture`: the pictures, in `target/tickets/`.
#[test]
#[ignore = "draws pictures for people to look at, and says how long one takes"]
#[expect(clippy::print_stdout, reason = "it is run to be read")]
fn gallery() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tickets");
    fs::create_dir_all(&folder).unwrap();
    let press = Press::new();
    for (name, facts) in cases() {
        let began = Instant::now();
        let picture = picture(&press, &facts);
        let took = began.elapsed();
        println!("{name}: {took:?}, {} bytes", picture.len());
        fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }
}
