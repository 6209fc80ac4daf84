//! Seats: who holds or owns each one, the plan a customer picks from, and the prices.

use super::codes::{self, refuse};
use super::programme::{self, Sale, Session, TICKET_TYPES};
use super::{Vista, session_key};
use crate::faults::Call;
use crate::wire::Answer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const AREA_CATEGORY: &str = "0000000001";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Seat {
    pub row: u32,
    pub column: u32,
}

impl Seat {
    fn key(self) -> u32 {
        self.row * 1_000 + self.column
    }

    /// `A`, `B`, …
    pub(super) fn row_name(self) -> String {
        let letter = char::from_u32(u32::from('A') + self.row);
        letter.map(String::from).unwrap_or_default()
    }

    pub(super) fn number(self) -> String {
        (self.column + 1).to_string()
    }

    pub(super) fn name(self) -> String {
        format!("{}{}", self.row_name(), self.number())
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Place {
    pub usid: String,
    pub sold: bool,
}

/// The seats of one session that are not free.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct House(BTreeMap<u32, Place>);

impl House {
    /// Whether every seat is free or already this order's.
    pub(super) fn can_hold(&self, usid: &str, seats: &[Seat]) -> bool {
        let mut places = seats.iter().filter_map(|seat| self.0.get(&seat.key()));
        places.all(|place| place.usid == usid && !place.sold)
    }

    /// Whether no other order has one of these.
    pub(super) fn can_sell(&self, usid: &str, seats: &[Seat]) -> bool {
        let mut places = seats.iter().filter_map(|seat| self.0.get(&seat.key()));
        places.all(|place| place.usid == usid)
    }

    pub(super) fn hold(&mut self, usid: &str, seats: &[Seat]) {
        for seat in seats {
            self.0.insert(seat.key(), Place { usid: usid.to_owned(), sold: false });
        }
    }

    pub(super) fn sell(&mut self, seats: &[Seat]) {
        for seat in seats {
            if let Some(place) = self.0.get_mut(&seat.key()) {
                place.sold = true;
            }
        }
    }

    /// Frees this order's seats among these.
    pub(super) fn release(&mut self, usid: &str, seats: &[Seat]) {
        for seat in seats {
            if self.0.get(&seat.key()).is_some_and(|place| place.usid == usid) {
                self.0.remove(&seat.key());
            }
        }
    }

    fn status(&self, seat: Seat) -> u32 {
        match self.0.get(&seat.key()) {
            None => 0,
            Some(place) if place.sold => 1,
            Some(_) => 4,
        }
    }

    pub(super) fn taken(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }
}

impl Vista {
    pub(super) fn seat_plan(&self, call: &Call) -> Answer {
        let switches = &self.desk.switches;
        let session = match self.session_for_reading(call) {
            Ok(session) => session,
            Err(code) => return refuse(switches, call, code),
        };
        match session.sale {
            Sale::Open => {}
            Sale::SoldOut => return refuse(switches, call, codes::SOLD_OUT),
            Sale::Closed => return refuse(switches, call, codes::SESSION_UNAVAILABLE),
        }
        let empty = House::default();
        let house = self.houses.get(&session_key(call.arg(0), call.arg(1))).unwrap_or(&empty);
        let rows: Vec<Value> =
            (0..session.rows).map(|row| plan_row(&session, house, row)).collect();
        let area = json!({"Number": 1, "AreaCategoryCode": AREA_CATEGORY,
            "Description": "STANDARD", "DescriptionAlt": "عادي",
            "NumberOfSeats": session.capacity(), "IsAllocatedSeating": true,
            "HasSofaSeatingEnabled": false, "Left": 0, "Top": 0, "Height": 80, "Width": 100,
            "RowCount": session.rows, "ColumnCount": session.columns, "Rows": rows});
        let category = json!({"AreaCategoryCode": AREA_CATEGORY, "Name": "Standard",
            "NameTranslations": [{"LanguageTag": "ar", "Text": "عادي"}], "Hopk": "1",
            "SeatsToAllocate": 0, "SeatsAllocatedCount": 0, "SeatsNotAllocatedCount": 0,
            "SelectedSeats": [], "IsInSeatDeliveryEnabled": false});
        let layout = json!({"Areas": [area], "AreaCategories": [category], "BoundaryRight": 100,
            "BoundaryLeft": 0, "BoundaryTop": 0, "ScreenStart": 10, "ScreenWidth": 80});
        let body = json!({"SeatLayoutData": layout, "ResponseCode": 0, "ErrorDescription": null});
        Answer::json(200, &body)
    }

    pub(super) fn ticket_types(&self, call: &Call) -> Answer {
        let session = match self.session_for_reading(call) {
            Ok(session) => session,
            Err(code) => return refuse(&self.desk.switches, call, code),
        };
        if session.sale == Sale::Closed {
            return refuse(&self.desk.switches, call, codes::NOT_ON_SALE);
        }
        let cinema = session.cinema.id;
        let tickets: Vec<Value> = (1..)
            .zip(TICKET_TYPES)
            .map(|(sequence, kind)| ticket_json(cinema, sequence, kind))
            .collect();
        let body = json!({"ResponseCode": 0, "ExtendedResponseCode": 0, "ErrorDescription": null,
            "Tickets": tickets});
        Answer::json(200, &body)
    }

    fn session_for_reading(&self, call: &Call) -> Result<Session, i64> {
        if programme::cinema(call.arg(0)).is_none() {
            return Err(codes::NO_SUCH_SITE);
        }
        self.session(call.arg(0), call.arg(1)).ok_or(codes::SESSION_UNAVAILABLE)
    }
}

fn plan_row(session: &Session, house: &House, row: u32) -> Value {
    let seats: Vec<Value> = (0..session.columns)
        .map(|column| {
            let seat = Seat { row, column };
            json!({"Id": seat.number(),
                "Position": {"AreaNumber": 1, "RowIndex": row, "ColumnIndex": column},
                "Priority": 1, "Status": house.status(seat), "OriginalStatus": 0, "SeatStyle": 0,
                "SeatsInGroup": null})
        })
        .collect();
    let name = Seat { row, column: 0 }.row_name();
    json!({"RowIndexZeroBased": row, "PhysicalName": name, "Seats": seats})
}

fn ticket_json(cinema: &str, sequence: u32, kind: &programme::TicketType) -> Value {
    json!({"CinemaId": cinema, "TicketTypeCode": kind.code, "TicketCode": kind.code,
        "AreaCategoryCode": AREA_CATEGORY, "HeadOfficeGroupingCode": kind.code, "HOPK": kind.code,
        "Description": kind.name, "DescriptionAlt": kind.name_alt,
        "DescriptionTranslations": [{"LanguageTag": "ar", "Text": kind.name_alt}],
        "LongDescription": "", "LongDescriptionAlt": "", "LongDescriptionTranslations": [],
        "IsChildOnlyTicket": kind.code == "0002", "IsPackageTicket": false,
        "IsRedemptionTicket": false, "IsComplimentaryTicket": kind.complimentary,
        "PriceGroupCode": "0001", "PriceInCents": kind.price, "TaxInCents": kind.tax(),
        "SalesChannels": ["WWW", "CELL", "KIOSK", "POS"], "ThirdPartyMembershipName": null,
        "IsThirdPartyMemberTicket": false, "DisplaySequence": sequence, "SurchargeAmount": 0,
        "IsAvailableForLoyaltyMembersOnly": false, "IsAvailableAsLoyaltyRecognitionOnly": false,
        "LoyaltyRecognitionId": null, "LoyaltyPointsCost": null, "ProductCodeForVoucher": null,
        "QuantityAvailablePerOrder": 10, "IsDynamicallyPriced": false,
        "TotalTicketFeeAmountInCents": 0, "PackageContent": {"Concessions": [], "Tickets": []},
        "DiscountsAvailable": [], "IsAllocatableSeating": true, "ResalePriceInCents": null,
        "IsCardPaymentPromotionTicket": false, "CardPaymentPromotions": [],
        "EnforceUseOfBarcode": false, "IsSubscriptionTicket": false, "SubscriptionIds": []})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_writer_wins_a_seat_and_may_hold_it_again() {
        let mut house = House::default();
        let seats = [Seat { row: 0, column: 0 }, Seat { row: 0, column: 1 }];
        house.hold("first", &seats);
        assert!(house.can_hold("first", &seats));
        assert!(!house.can_hold("second", &seats[1..]));
        house.release("second", &seats);
        assert_eq!(house.taken(), 2);
        house.release("first", &seats);
        assert_eq!(house.taken(), 0);
    }

    #[test]
    fn a_seat_is_called_by_its_row_and_number() {
        assert_eq!(Seat { row: 1, column: 11 }.name(), "B12");
    }
}
