//! The QR of a simplified tax invoice, as ZATCA specifies it: tag, length in bytes, value; all of it in base64.

use chrono::{DateTime, SecondsFormat, Utc};
use data_encoding::BASE64;
use schema::money::Money;

/// Who sells, for the tax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seller {
    name: String,
    vat_number: String,
}

/// Why somebody cannot be named as the seller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSeller {
    #[error("the seller's name is 1 to 255 bytes of UTF-8, without control characters")]
    Name,
    #[error("the VAT number is 15 digits, and the first and the last are 3")]
    VatNumber,
}

impl Seller {
    /// Checked here, at start-up, so that no ticket can fail by it.
    pub fn new(name: &str, vat_number: &str) -> Result<Self, NoSeller> {
        let name = name.trim();
        if name.is_empty() || name.len() > 255 || name.contains(char::is_control) {
            return Err(NoSeller::Name);
        }
        let digits = vat_number.len() == 15 && vat_number.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !vat_number.starts_with('3') || !vat_number.ends_with('3') {
            return Err(NoSeller::VatNumber);
        }
        Ok(Self { name: name.to_owned(), vat_number: vat_number.to_owned() })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn vat_number(&self) -> &str {
        &self.vat_number
    }

    /// The text of the QR: who has sold, when it was paid, for how much, and the VAT in it. None: a value of more than
    /// 255 bytes, which no amount of money and no time has.
    pub fn invoice_qr(&self, paid_at: DateTime<Utc>, total: Money) -> Option<String> {
        let paid_at = paid_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let gross = total.amount_minor;
        let (gross, vat) = (decimal(gross), decimal(vat_minor(gross)));
        let values = [&*self.name, &self.vat_number, &paid_at, &gross, &vat];
        encode((1..).zip(values.map(str::as_bytes)))
    }
}

/// Any tags: one byte of tag, one of length, the value. Lengths count bytes, and an Arabic letter has two. None: a value
/// is longer than a length can say.
fn encode<'a>(fields: impl IntoIterator<Item = (u8, &'a [u8])>) -> Option<String> {
    let mut bytes = Vec::new();
    for (tag, value) in fields {
        bytes.extend([tag, u8::try_from(value.len()).ok()?]);
        bytes.extend_from_slice(value);
    }
    Some(BASE64.encode(&bytes))
}

/// The 15 % that are in an amount, in halalas, to the nearest. There are no ties: 15/115 is 3/23.
pub const fn vat_minor(gross_minor: i64) -> i64 {
    (30 * gross_minor + 115) / 230
}

/// `1150.00`: no separators, no currency.
pub(super) fn decimal(minor: i64) -> String {
    let minor = minor.unsigned_abs();
    format!("{}.{:02}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests;
