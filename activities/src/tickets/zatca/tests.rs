//! The invoice's QR against published vectors, and against a decoder written from the specification.

use super::*;
use proptest::prelude::*;

const NUMBER: &str = "300000000000003";

fn qr(name: &str, number: &str, paid_at: &str, halalas: i64) -> String {
    let seller = Seller::new(name, number).unwrap();
    seller.invoice_qr(paid_at.parse().unwrap(), Money::sar(halalas)).unwrap()
}

/// Written from the specification, sharing nothing with the encoder.
fn decode(text: &str) -> Vec<(u8, Vec<u8>)> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let six_bits = |letter: u8| alphabet.iter().position(|known| *known == letter).unwrap();
    assert_eq!(text.len() % 4, 0, "padded");
    let letters: Vec<u8> = text.bytes().filter(|letter| *letter != b'=').collect();
    let bits = letters.iter().flat_map(|letter| {
        let six = six_bits(*letter);
        (0..6).rev().map(move |bit| six >> bit & 1 == 1)
    });
    let bits: Vec<bool> = bits.collect();
    let byte = |bits: &[bool]| bits.iter().fold(0_u8, |byte, bit| byte << 1 | u8::from(*bit));
    let bytes: Vec<u8> = bits.chunks_exact(8).map(byte).collect();
    let (mut fields, mut rest) = (Vec::new(), &*bytes);
    while let [tag, length, more @ ..] = rest {
        let (value, after) = more.split_at(usize::from(*length));
        fields.push((*tag, value.to_vec()));
        rest = after;
    }
    assert!(rest.is_empty(), "a byte is left over");
    fields
}

#[test]
fn it_is_byte_for_byte_what_others_make() {
    let raw = |values: [&str; 5]| encode((1..).zip(values.iter().map(|text| text.as_bytes())));
    let records =
        raw(["Bobs Records", "310122393500003", "2022-04-25T15:30:00Z", "1000.00", "150.00"]);
    assert_eq!(
        records.unwrap(),
        "AQxCb2JzIFJlY29yZHMCDzMxMDEyMjM5MzUwMDAwMwMUMjAyMi0wNC0yNVQxNTozMDowMFoEBzEwMDAuMDAFBjE1MC4wMA=="
    );
    let local = raw(["Cinema Co", NUMBER, "2026-11-21T21:30:00", "115.00", "15.00"]);
    assert_eq!(
        local.unwrap(),
        "AQlDaW5lbWEgQ28CDzMwMDAwMDAwMDAwMDAwMwMTMjAyNi0xMS0yMVQyMTozMDowMAQGMTE1LjAwBQUxNS4wMA=="
    );
    assert_eq!(
        qr("شركة السينما", NUMBER, "2026-11-21T18:30:00Z", 5_750),
        "ARfYtNix2YPYqSDYp9mE2LPZitmG2YXYpwIPMzAwMDAwMDAwMDAwMDAzAxQyMDI2LTExLTIxVDE4OjMwOjAwWgQFNTcuNTAFBDcuNTA="
    );
    assert_eq!(
        qr("Cinema Co", NUMBER, "2026-11-21T21:05:09Z", 0),
        "AQlDaW5lbWEgQ28CDzMwMDAwMDAwMDAwMDAwMwMUMjAyNi0xMS0yMVQyMTowNTowOVoEBDAuMDAFBDAuMDA="
    );
    let long = qr(&"س".repeat(120), NUMBER, "2026-11-21T18:30:00Z", 115_000);
    assert!(long.starts_with("AfDYs9iz") && long.ends_with("BzExNTAuMDAFBjE1MC4wMA=="));
    assert_eq!(BASE64.decode(long.as_bytes()).unwrap().len(), 298);
}

#[test]
fn the_wall_clock_is_given_in_utc() {
    let local = qr("Cinema Co", NUMBER, "2026-11-21T21:30:00+03:00", 11_500);
    assert_eq!(decode(&local)[2], (3, b"2026-11-21T18:30:00Z".to_vec()));
}

#[test]
fn the_tax_is_in_the_price() {
    let known = [
        (4_500, 587),
        (5_000, 652),
        (5_750, 750),
        (6_000, 783),
        (6_500, 848),
        (6_999, 913),
        (8_900, 1_161),
        (10_000, 1_304),
        (11_500, 1_500),
        (3_333, 435),
        (7, 1),
        (3, 0),
    ];
    for (gross, vat) in known {
        assert_eq!(vat_minor(gross), vat, "{gross}");
    }
}

#[test]
fn nobody_sells_under_a_name_or_number_that_does_not_fit() {
    assert_eq!(Seller::new(&"س".repeat(128), NUMBER), Err(NoSeller::Name));
    assert_eq!(Seller::new(" ", NUMBER), Err(NoSeller::Name));
    for number in [
        "30000000000003",
        "3000000000000003",
        "200000000000003",
        "300000000000002",
        "30000000000000٣",
    ] {
        assert_eq!(Seller::new("Cinema Co", number), Err(NoSeller::VatNumber), "{number}");
    }
    assert_eq!(encode([(1, &[0; 256][..])]), None);
    assert!(encode([(1, &[0; 255][..]), (9, &[])]).is_some());
}

proptest! {
    /// Any name that fits, in any script, at any time, for any amount, says what went in.
    #[test]
    fn every_invoice_reads_back(
        name in "[\\p{Arabic}A-Za-z0-9&. -]{1,127}",
        seconds in 1_700_000_000_i64..4_000_000_000,
        halalas in 0_i64..1_000_000_000,
    ) {
        let name = name.trim();
        prop_assume!(!name.is_empty() && name.len() <= 255);
        let paid_at = DateTime::from_timestamp(seconds, 0).unwrap();
        let text = Seller::new(name, NUMBER).unwrap().invoice_qr(paid_at, Money::sar(halalas)).unwrap();
        let fields = decode(&text);
        let tags: Vec<u8> = fields.iter().map(|(tag, _)| *tag).collect();
        prop_assert_eq!(tags, [1, 2, 3, 4, 5]);
        let said: Vec<String> =
            fields.into_iter().map(|(_, value)| String::from_utf8(value).unwrap()).collect();
        prop_assert_eq!(&said[0], name);
        prop_assert_eq!(&said[1], NUMBER);
        prop_assert_eq!(said[2].parse::<DateTime<Utc>>().unwrap(), paid_at);
        let minor = |text: &str| text.replace('.', "").parse::<i64>().unwrap();
        prop_assert_eq!(minor(&said[3]), halalas);
        prop_assert_eq!(minor(&said[4]), vat_minor(halalas));
    }
}
