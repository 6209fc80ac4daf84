//! The entrance, and charges: `PURCHASE` and `AUTHORIZATION` of a token or of what Apple's sheet gave.

use super::orders::{Deed, Order, codes};
use super::signature::{Fields, Node, sign};
use super::tokens::Keeping;
use super::{APPLE_ACCESS_CODE, MERCHANT, PAGE_MS, PayFort};
use crate::ledger::Entry;
use crate::vendor::Moment;
use crate::wire::{Answer, Wire};

impl PayFort {
    /// Who asks, and whether they are who they say: the channel's phrase signs everything that came.
    pub(super) fn enter(&self, wire: &Wire) -> Result<Fields, Answer> {
        let Some(fields) = Fields::json(&wire.body) else {
            return Err(self.refuse(&Fields::default(), "00073"));
        };
        match self.refusal_at_the_door(&fields, &[]) {
            Some(code) => Err(self.refuse(&fields, code)),
            None => Ok(fields),
        }
    }

    pub(super) fn refusal_at_the_door(
        &self,
        fields: &Fields,
        unsigned: &[&str],
    ) -> Option<&'static str> {
        let Some(channel) = self.channel(fields.get("access_code")) else { return Some("00010") };
        if fields.get("merchant_identifier") != MERCHANT {
            return Some("00009");
        }
        let left_out: Vec<&str> = unsigned.iter().copied().chain(["signature"]).collect();
        let texts = fields.texts(&left_out);
        let expected = sign(&channel.sha_type, &channel.request_phrase, &texts);
        if expected.is_none_or(|it| !it.eq_ignore_ascii_case(fields.get("signature"))) {
            return Some("00008");
        }
        let reference = fields.get("merchant_reference");
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if reference.is_empty() || fields.get("language").is_empty() {
            return Some("00001");
        }
        let sound = reference.len() <= 40 && reference.bytes().all(allowed);
        (!sound || !["en", "ar"].contains(&fields.get("language"))).then_some("00002")
    }

    pub(super) fn charge(
        &mut self,
        fields: &Fields,
        (op, host): (&'static str, &str),
        moment: &Moment,
    ) -> Answer {
        let reference = fields.get("merchant_reference").to_owned();
        if self.orders.contains_key(&reference) {
            return self.refuse(fields, self.desk.switches.get("dup_policy"));
        }
        if let Some(code) = self.wrong_charge(fields, moment) {
            return self.refuse(fields, code);
        }
        let token = self.tokens.get(fields.get("token_name"));
        let apple = fields.get("access_code") == APPLE_ACCESS_CODE;
        let mut order = Order {
            fort_id: fort_id(),
            op: op.to_owned(),
            amount: fields.get("amount").parse().unwrap_or_default(),
            currency: fields.get("currency").to_owned(),
            access_code: fields.get("access_code").to_owned(),
            return_url: fields.get("return_url").to_owned(),
            refused: token.is_some_and(|token| token.refused),
            echo: fields.echo(self.desk.switches.on("echo_nested")),
            visible_from: self.visible_from(moment),
            reference: reference.clone(),
            ..Order::default()
        };
        order.echo.remove("signature");
        if let Some(token) = token {
            order.echo.insert("payment_option".to_owned(), token.brand.as_str().into());
            order.echo.insert("card_number".to_owned(), token.masked.as_str().into());
        }
        let asks = self.desk.switches.get("three_ds") == "challenge" && !decides_at_once(moment);
        let challenged = !apple && asks;
        self.by_fort_id.insert(order.fort_id.clone(), reference.clone());
        if challenged {
            return self.challenge(fields, order, (host, moment));
        }
        self.orders.insert(reference.clone(), order);
        self.take_money(&reference, moment);
        self.show_order(&reference, moment)
    }

    /// The holder's bank wants to see them first: nothing is charged yet.
    fn challenge(
        &mut self,
        fields: &Fields,
        mut order: Order,
        (host, moment): (&str, &Moment),
    ) -> Answer {
        "20064".clone_into(&mut order.code);
        order.challenged_until = Some(moment.now + moment.clock.shortened(PAGE_MS));
        let entry = Entry::new(moment.now, "challenge", &order.reference)
            .vendor_id(&order.fort_id)
            .amount(order.amount)
            .currency(&order.currency);
        self.desk.ledger.write(entry);
        let mut shown = order.echo.clone();
        let url = format!("http://{host}/payfort/3ds/{}", order.fort_id);
        shown.insert("3ds_url".to_owned(), url.into());
        shown.insert("fort_id".to_owned(), order.fort_id.as_str().into());
        self.orders.insert(order.reference.clone(), order);
        self.say(fields.get("access_code"), ("20064", shown), moment.fault_name())
    }

    /// The charge itself, at once or after 3-D Secure.
    pub(super) fn take_money(&mut self, reference: &str, moment: &Moment) {
        let Some(order) = self.orders.get_mut(reference) else { return };
        match moment.fault_name() {
            "takes_another_amount" => order.amount += 100,
            "takes_another_currency" => "AED".clone_into(&mut order.currency),
            _ => {}
        }
        let (success, failure) = codes(&order.op);
        let code = if order.refused { format!("{failure}666") } else { success.to_owned() };
        let (op, amount) = (order.op.clone(), order.amount);
        self.carry_out(reference, Deed { op, code, amount, maintenance: String::new() }, moment);
    }

    /// What is wrong with a charge, if anything.
    fn wrong_charge(&self, fields: &Fields, moment: &Moment) -> Option<&'static str> {
        let missing = |name: &str| fields.get(name).is_empty();
        let needs_ip = self.desk.switches.get("customer_ip") == "required";
        if missing("customer_email") || needs_ip && missing("customer_ip") {
            return Some("00001");
        }
        if let Some(code) = wrong_money(fields) {
            return Some(code);
        }
        if fields.get("access_code") == APPLE_ACCESS_CODE {
            return wrong_wallet(fields);
        }
        let Some(token) = self.active_token(fields.get("token_name"), moment) else {
            return Some("00044");
        };
        let was_kept = token.keeping == Keeping::Kept;
        let wants_code = was_kept && self.desk.switches.get("security_code") == "required";
        if wants_code && missing("card_security_code") {
            return Some("00001");
        }
        if missing("return_url") {
            return Some("00037");
        }
        let mada = token.brand == "MADA" && fields.get("command") == "AUTHORIZATION";
        mada.then_some("00049")
    }
}

/// What becomes of the money is decided by the call itself: the bank is not asked.
fn decides_at_once(moment: &Moment) -> bool {
    let stems = ["decline", "fails_", "review", "pending", "uncertain", "takes_"];
    stems.iter().any(|stem| moment.fault_name().starts_with(stem))
}

/// An amount of whole minor units, and a currency we know.
pub(super) fn wrong_money(fields: &Fields) -> Option<&'static str> {
    let amount = fields.get("amount");
    let digits = (1..=10).contains(&amount.len()) && amount.bytes().all(|b| b.is_ascii_digit());
    if !digits || amount.bytes().all(|byte| byte == b'0') {
        return Some("00005");
    }
    (!["SAR", "AED", "USD"].contains(&fields.get("currency"))).then_some("00013")
}

fn wrong_wallet(fields: &Fields) -> Option<&'static str> {
    let has = |field: &str, names: &[&str]| match fields.0.get(field) {
        Some(Node::Map(members)) => {
            names.iter().all(|name| members.iter().any(|(have, _)| have == name))
        }
        Some(Node::Text(_) | Node::List(_)) | None => false,
    };
    let header = ["apple_ephemeralPublicKey", "apple_publicKeyHash", "apple_transactionId"];
    let method = ["apple_displayName", "apple_network", "apple_type"];
    let sound = fields.get("digital_wallet") == "APPLE_PAY"
        && !fields.get("apple_data").is_empty()
        && !fields.get("apple_signature").is_empty()
        && has("apple_header", &header)
        && has("apple_paymentMethod", &method);
    (!sound).then_some("00001")
}

/// Eighteen digits, as orders are numbered.
fn fort_id() -> String {
    format!("1699{:014}", rand::random::<u64>() % 100_000_000_000_000)
}
