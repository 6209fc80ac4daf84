//! Reading payments back: one by its id, and the successful ones of some days. Nobody can ask by a reference.

use super::payments::{Payment, Status};
use super::{Tabby, answers, distortion};
use crate::clock;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};
use serde_json::{Value, json};

const PAGE: usize = 20;

impl Tabby {
    /// `GET payments/{id}`
    pub(super) fn show(&self, id: &str, moment: &Moment) -> Answer {
        match self.payments.get(id) {
            Some(payment) => {
                let body = distortion::distorted(payment.shown(moment.now), moment.fault_name());
                Answer::json(200, &body)
            }
            None => answers::no_such_payment(),
        }
    }

    /// `GET payments`: those that are authorized or closed unless one status is asked for, newest first.
    pub(super) fn list(&self, wire: &Wire, moment: &Moment) -> Answer {
        let number = |name| wire.query.filled(name).and_then(|text| text.parse::<usize>().ok());
        let wanted = wire.query.filled("status");
        let (from, to) =
            (wire.query.filled("created_at__gte"), wire.query.filled("created_at__lte"));
        let matches = |payment: &&Payment| {
            let created = clock::rfc3339(payment.created_at);
            let status = match (wanted, payment.status) {
                (None, status) => matches!(status, Status::Authorized | Status::Closed),
                (Some(wanted), status) => {
                    json!(status).as_str().is_some_and(|it| it.eq_ignore_ascii_case(wanted))
                }
            };
            status
                && from.is_none_or(|from| created.as_str() >= from)
                && to.is_none_or(|to| created.as_str() <= to)
        };
        let mut found: Vec<&Payment> = self.payments.values().filter(matches).collect();
        found.sort_by_key(|payment| std::cmp::Reverse(payment.created_at));
        let (limit, offset) =
            (number("limit").unwrap_or(PAGE).min(PAGE), number("offset").unwrap_or(0));
        let page: Vec<Value> = found
            .iter()
            .skip(offset)
            .take(limit)
            .map(|payment| distortion::distorted(payment.shown(moment.now), moment.fault_name()))
            .collect();
        let pagination = json!({"limit": limit, "offset": offset, "total_count": found.len()});
        Answer::json(200, &json!({"payments": page, "pagination": pagination}))
    }
}
