//! What is written in the books: rows of Usher's tables and entries of the vendors' ledgers, as far as a rule needs them.

#![expect(clippy::struct_field_names, reason = "fields are called as the columns are")]

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Booking {
    pub booking_id: String,
    pub status: String,
    pub version: i64,
    pub total_minor: Option<i64>,
    pub vista_order: Option<String>,
    pub vista_booking_id: Option<String>,
    pub won_payment: Option<String>,
    pub unwind_cause: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Seat {
    pub booking_id: String,
    pub seat: String,
    pub released_at: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Event {
    pub booking_id: String,
    pub version: i64,
    pub at: String,
    pub kind: String,
    pub detail: Value,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Payment {
    pub payment_id: String,
    pub booking_id: String,
    pub status: String,
    pub amount_minor: Option<i64>,
    /// The vendor's session is over, and was for a moment; or there never was one.
    pub session_over: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Capture {
    pub provider: String,
    pub vendor_transaction: String,
    pub payment_id: String,
    pub booking_id: String,
    pub amount_minor: i64,
    pub verdict: String,
    /// The vendor reserved it first.
    pub reserved: bool,
    /// When the vendor took what was reserved.
    pub taken_at: Option<String>,
}

impl Capture {
    /// Reserved, and not taken: nothing has moved.
    pub(crate) fn is_only_reserved(&self) -> bool {
        self.reserved && self.taken_at.is_none()
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Refund {
    pub refund_id: String,
    pub booking_id: String,
    /// The capture that goes back.
    pub vendor_transaction: String,
    pub amount_minor: i64,
    pub status: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Ticket {
    pub booking_id: String,
    pub status: String,
    pub vista_booking_id: String,
    pub qr_svg: Option<String>,
    /// The picture's name in the store.
    pub picture: Option<String>,
}

/// A row of `vendor_calls`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Call {
    /// `{id}:{step}`
    pub call_key: String,
    pub booking_id: Option<String>,
    pub step: String,
    pub attempts: i64,
    pub waiting_for: Option<String>,
    pub outcome: Option<String>,
    pub answer: Option<Value>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Case {
    pub case_id: String,
    pub workflow: String,
    pub workflow_key: String,
    pub step: String,
    pub booking_id: Option<String>,
    pub cause: String,
    pub detail: String,
    pub decisions: Vec<String>,
    pub decision: Option<String>,
    pub decided_by: Option<String>,
    pub reason: Option<String>,
}

impl Case {
    pub(crate) fn is_open(&self) -> bool {
        self.decision.is_none()
    }

    /// The vendor call that it is about.
    pub(crate) fn call_key(&self) -> String {
        format!("{}:{}", self.workflow_key, self.step)
    }
}

/// A row of `webhook_deliveries`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Delivery {
    pub event: String,
    pub claim: Value,
    pub booking_id: Option<String>,
    pub verdict: Option<String>,
}

/// What a vendor has written down about itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Entry {
    /// RFC 3339 in UTC with three digits: comparing the text compares the times.
    pub at: String,
    pub kind: String,
    pub reference: String,
    pub vendor_id: Option<String>,
    pub parent: Option<String>,
    pub amount_minor: i64,
    pub cinema: Option<String>,
    pub session: Option<String>,
    pub seats: Vec<String>,
    pub note: Option<String>,
    /// The page a transaction was made on.
    pub checkout: Option<String>,
}

impl Entry {
    pub(crate) fn vendor_id(&self) -> &str {
        self.vendor_id.as_deref().unwrap_or_default()
    }

    pub(crate) fn parent(&self) -> &str {
        self.parent.as_deref().unwrap_or_default()
    }

    /// What it is, and which.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.kind, self.vendor_id())
    }

    /// Our booking, as we have noted it at Vista.
    pub(crate) fn noted(&self) -> Option<&str> {
        self.note.as_deref()?.strip_prefix("usher:")
    }
}

/// A webhook that the card gateway has sent, or owes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Letter {
    pub reference: String,
    pub body: String,
}
