//! What proves a delivery, of all five vendors: every bit of it counts, and two secrets are good while one replaces the
//! other.

use crate::{
    VENDORS,
    payments::{By, Letter, Vendor},
};

fn letters(vendor: &Vendor, by: By) -> Vec<Letter> {
    let sealed = vendor.events.iter().map(|event| (vendor.seal)(event.clone(), by).to_string());
    sealed.map(|text| (vendor.letter)(text.as_bytes(), by)).collect()
}

fn vendors() -> [Vendor; 5] {
    VENDORS.map(|vendor| vendor("http://127.0.0.1:9"))
}

#[test]
fn the_old_and_the_new_secret_pass_and_no_third() {
    for vendor in vendors() {
        for by in [By::Vendor, By::Before] {
            let read: Vec<_> = letters(&vendor, by).iter().map(|it| vendor.reads(it)).collect();
            assert!(read.iter().all(Result::is_ok), "{by:?}: {read:?}");
        }
        assert!(letters(&vendor, By::Stranger).iter().all(|letter| vendor.reads(letter).is_err()));
    }
}

/// Hex has no case: what differs in nothing else is the same.
fn is_other(text: &[u8], flipped: &[u8]) -> bool {
    !text.eq_ignore_ascii_case(flipped)
}

fn flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len()).map(|at| {
        let mut other = bytes.to_vec();
        other[at] ^= 1 << (at % 8);
        other
    })
}

#[test]
fn a_flipped_bit_of_the_proof_is_refused() {
    for vendor in vendors() {
        for letter in letters(&vendor, By::Vendor) {
            let texts = letter.headers.iter().map(|(_, value)| value).chain(&letter.path);
            for text in texts.cloned().collect::<Vec<_>>() {
                for other in flipped(text.as_bytes()).filter_map(|it| String::from_utf8(it).ok()) {
                    let changed = |value: &String| {
                        if *value == text { other.clone() } else { value.clone() }
                    };
                    let headers = letter.headers.iter();
                    let altered = Letter {
                        headers: headers.map(|(name, value)| (*name, changed(value))).collect(),
                        path: letter.path.as_ref().map(changed),
                        body: letter.body.clone(),
                    };
                    let same = !is_other(text.as_bytes(), other.as_bytes());
                    assert!(same || vendor.reads(&altered).is_err(), "{text} as {other}");
                }
            }
        }
    }
}

/// Of those who sign: in both of Checkout.com's envelopes, in `PayFort`'s fields, under `HyperPay`'s encryption.
#[test]
fn a_flipped_bit_of_what_is_signed_is_refused() {
    for vendor in vendors().into_iter().take(3) {
        for letter in letters(&vendor, By::Vendor) {
            for body in flipped(&letter.body).filter(|body| is_other(&letter.body, body)) {
                let Letter { headers, path, .. } = &letter;
                let altered = Letter { headers: headers.clone(), path: path.clone(), body };
                let told = String::from_utf8_lossy(&altered.body);
                assert!(vendor.reads(&altered).is_err(), "{told}");
            }
        }
    }
}
