//! `HyperPay`'s result codes: the groups of "Result codes" in the OPPWA documentation, in one order, first hit wins.
//!
//! The first four lines are ours: codes that the published groups would read as something else.

use regex::RegexSet;

/// What a result code says. A code in no group says nothing, and is `Unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Too many requests: nothing was done.
    Throttled,
    /// The same thing is being processed already.
    Busy,
    /// The reference was used before.
    Duplicate,
    /// A list was read. Not a payment's success.
    ListOk,
    Pending,
    /// Pending for days.
    PendingLong,
    Approved,
    /// Approved, and the money is taken, but a person should look.
    Review,
    /// The connection to the bank broke: it may have happened.
    Uncertain,
    System,
    Declined(Decline),
    /// The request was wrong: nothing was done.
    Invalid(Invalid),
    Chargeback,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decline {
    ThreeDs,
    Bank,
    Workflow,
    NeedsAuthentication,
    ExternalRisk,
    Address,
    ThreeDsSystem,
    Blacklist,
    Velocity,
    /// The scheme's advice: do not try this card again for now.
    SchemeAdvice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Invalid {
    Configuration,
    Registration,
    Job,
    /// The transaction it refers to does not allow it.
    Reference,
    Format,
    Address,
    Contact,
    Account,
    Amount,
    RiskData,
}

/// A transaction or reference that the vendor does not know.
pub(super) const NOT_FOUND: &str = "700.400.580";
/// One code, three meanings: parameters are wrong, where `parameterErrors` stand beside it; a checkout has been read
/// to its end or is over, on reading one; a reference was used before, anywhere else.
pub(super) const THREE_MEANINGS: &str = "200.300.404";
pub(super) const CHECKOUT_CREATED: &str = "000.200.100";

const GROUPS: [(&str, Class); 31] = [
    (r"^800\.120\.100$", Class::Throttled),
    (r"^(800\.700\.100|800\.600\.100)$", Class::Busy),
    (r"^(800\.110\.100|200\.200\.106)$", Class::Duplicate),
    (r"^000\.000\.100$", Class::ListOk),
    (r"^(000\.200)", Class::Pending),
    (r"^(800\.400\.5|100\.400\.500)", Class::PendingLong),
    (r"^(000\.000\.|000\.100\.1|000\.[36]|000\.400\.[1][12]0)", Class::Approved),
    (r"^(000\.400\.0[^3]|000\.400\.100)", Class::Review),
    (r"^(900\.[1234]00|000\.400\.030)", Class::Uncertain),
    (r"^(800\.[56]|999\.|600\.1|800\.800\.[84])", Class::System),
    (r"^(000\.400\.[1][0-9][1-9]|000\.400\.2)", Class::Declined(Decline::ThreeDs)),
    (r"^(800\.[17]00|800\.800\.[123])", Class::Declined(Decline::Bank)),
    (r"^(100\.39[765])", Class::Declined(Decline::Workflow)),
    (r"^(300\.100\.100)", Class::Declined(Decline::NeedsAuthentication)),
    (
        r"^(100\.400\.[0-3]|100\.380\.100|100\.380\.11|100\.380\.4|100\.380\.5)",
        Class::Declined(Decline::ExternalRisk),
    ),
    (r"^(800\.400\.1)", Class::Declined(Decline::Address)),
    (r"^(800\.400\.2|100\.390)", Class::Declined(Decline::ThreeDsSystem)),
    (r"^(800\.[32])", Class::Declined(Decline::Blacklist)),
    (r"^(800\.1[123456]0)", Class::Declined(Decline::Velocity)),
    (r"^(600\.[23]|500\.[12]|800\.121)", Class::Invalid(Invalid::Configuration)),
    (r"^(100\.[13]50)", Class::Invalid(Invalid::Registration)),
    (r"^(100\.250|100\.360)", Class::Invalid(Invalid::Job)),
    (r"^(700\.[1345][05]0)", Class::Invalid(Invalid::Reference)),
    (r"^(700\.60[01])", Class::Declined(Decline::SchemeAdvice)),
    (r"^(200\.[123]|100\.[53][07]|800\.900|100\.[69]00\.500)", Class::Invalid(Invalid::Format)),
    (r"^(100\.800)", Class::Invalid(Invalid::Address)),
    (r"^(100\.700|100\.900\.[123467890][0-9])", Class::Invalid(Invalid::Contact)),
    (r"^(100\.100|100\.2[01])", Class::Invalid(Invalid::Account)),
    (r"^(100\.55)", Class::Invalid(Invalid::Amount)),
    (r"^(100\.380\.[23]|100\.380\.101)", Class::Invalid(Invalid::RiskData)),
    (r"^(000\.100\.2)", Class::Chargeback),
];

/// The groups, compiled. `live`: a code of the test system is never a success there.
#[derive(Debug)]
pub(super) struct ResultCodes {
    groups: RegexSet,
    live: bool,
}

impl ResultCodes {
    pub(super) fn new(live: bool) -> Result<Self, regex::Error> {
        let groups = RegexSet::new(GROUPS.iter().map(|(pattern, _)| pattern))?;
        Ok(Self { groups, live })
    }

    pub(super) fn class(&self, code: &str) -> Class {
        if self.live && code.starts_with("000.100.1") {
            tracing::error!(code, "the live system answered with a code of the test system");
            return Class::Unknown;
        }
        let first = self.groups.matches(code).iter().next();
        first.and_then(|at| GROUPS.get(at)).map_or(Class::Unknown, |(_, class)| *class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes of the documentation with the group each belongs to.
    const SAMPLES: [(&str, Class); 95] = {
        use Class::{
            Approved, Busy, Chargeback, Declined, Duplicate, Invalid as Wrong, ListOk, Pending,
            PendingLong, Review, System, Throttled, Uncertain, Unknown,
        };
        use Decline::{
            Address, Bank, Blacklist, ExternalRisk, NeedsAuthentication, SchemeAdvice, ThreeDs,
            ThreeDsSystem, Velocity, Workflow,
        };
        use Invalid::{
            Account, Amount, Configuration, Contact, Format, Job, Reference, Registration, RiskData,
        };
        [
            ("000.000.000", Approved),
            ("000.000.100", ListOk),
            ("000.100.110", Approved),
            ("000.100.111", Approved),
            ("000.100.112", Approved),
            ("000.100.200", Chargeback),
            ("000.100.220", Chargeback),
            ("000.200.000", Pending),
            ("000.200.100", Pending),
            ("000.200.101", Pending),
            ("000.200.102", Pending),
            ("000.200.103", Pending),
            ("000.300.000", Approved),
            ("000.400.000", Review),
            ("000.400.010", Review),
            ("000.400.020", Review),
            ("000.400.030", Uncertain),
            ("000.400.100", Review),
            ("000.400.110", Approved),
            ("000.400.120", Approved),
            ("000.400.101", Declined(ThreeDs)),
            ("000.400.103", Declined(ThreeDs)),
            ("000.400.200", Declined(ThreeDs)),
            ("000.600.000", Approved),
            ("000.999.999", Unknown),
            ("100.100.303", Wrong(Account)),
            ("100.150.101", Wrong(Registration)),
            ("100.150.200", Wrong(Registration)),
            ("100.150.202", Wrong(Registration)),
            ("100.250.100", Wrong(Job)),
            ("100.360.201", Wrong(Job)),
            ("100.380.101", Wrong(RiskData)),
            ("100.380.201", Wrong(RiskData)),
            ("100.380.401", Declined(ExternalRisk)),
            ("100.390.112", Declined(ThreeDsSystem)),
            ("100.390.118", Declined(ThreeDsSystem)),
            ("100.395.502", Declined(Workflow)),
            ("100.396.101", Declined(Workflow)),
            ("100.396.104", Declined(Workflow)),
            ("100.400.000", Declined(ExternalRisk)),
            ("100.400.500", PendingLong),
            ("100.550.300", Wrong(Amount)),
            ("100.550.301", Wrong(Amount)),
            ("100.550.303", Wrong(Amount)),
            ("100.550.701", Wrong(Amount)),
            ("100.550.702", Wrong(Amount)),
            ("100.700.101", Wrong(Contact)),
            ("100.700.201", Wrong(Contact)),
            ("100.800.100", Wrong(Invalid::Address)),
            ("200.100.601", Wrong(Format)),
            ("200.100.603", Wrong(Format)),
            ("200.300.404", Wrong(Format)),
            ("200.200.106", Duplicate),
            ("300.100.100", Declined(NeedsAuthentication)),
            ("500.100.201", Wrong(Configuration)),
            ("600.200.201", Wrong(Configuration)),
            ("600.200.500", Wrong(Configuration)),
            ("600.300.211", Wrong(Configuration)),
            ("700.100.100", Wrong(Reference)),
            ("700.100.300", Wrong(Reference)),
            ("700.100.500", Wrong(Reference)),
            ("700.300.100", Wrong(Reference)),
            ("700.300.700", Wrong(Reference)),
            ("700.400.100", Wrong(Reference)),
            ("700.400.200", Wrong(Reference)),
            ("700.400.300", Wrong(Reference)),
            ("700.400.530", Wrong(Reference)),
            ("700.400.570", Wrong(Reference)),
            ("700.400.580", Wrong(Reference)),
            ("700.400.700", Wrong(Reference)),
            ("700.500.001", Wrong(Reference)),
            ("700.600.100", Declined(SchemeAdvice)),
            ("700.601.100", Declined(SchemeAdvice)),
            ("800.100.100", Declined(Bank)),
            ("800.100.152", Declined(Bank)),
            ("800.100.171", Declined(Bank)),
            ("800.110.100", Duplicate),
            ("800.120.100", Throttled),
            ("800.120.101", Declined(Velocity)),
            ("800.121.100", Wrong(Configuration)),
            ("800.300.101", Declined(Blacklist)),
            ("800.400.100", Declined(Address)),
            ("800.400.200", Declined(ThreeDsSystem)),
            ("800.400.500", PendingLong),
            ("800.600.100", Busy),
            ("800.700.100", Busy),
            ("800.800.102", Declined(Bank)),
            ("800.800.400", System),
            ("800.900.201", Wrong(Format)),
            ("800.900.300", Wrong(Format)),
            ("900.100.100", Uncertain),
            ("900.100.300", Uncertain),
            ("900.100.301", Uncertain),
            ("900.100.600", Uncertain),
            ("999.999.999", System),
        ]
    };

    #[test]
    fn every_code_falls_in_its_group() {
        let codes = ResultCodes::new(false).unwrap();
        for (code, class) in SAMPLES {
            assert_eq!(codes.class(code), class, "{code}");
        }
        for none in ["", "000", "abc", "0001.100.110", " 000.000.000", "123.456.789"] {
            assert_eq!(codes.class(none), Class::Unknown, "{none}");
        }
    }

    #[test]
    fn the_published_groups_exclude_each_other() {
        let published = RegexSet::new(GROUPS.iter().skip(4).map(|(pattern, _)| pattern)).unwrap();
        for (code, class) in SAMPLES {
            let hits = published.matches(code).iter().count();
            assert_eq!(hits, usize::from(class != Class::Unknown), "{code}");
        }
    }

    #[test]
    fn the_live_system_never_succeeds_with_a_test_code() {
        let live = ResultCodes::new(true).unwrap();
        assert_eq!(live.class("000.100.110"), Class::Unknown);
        assert_eq!(live.class("000.100.112"), Class::Unknown);
        assert_eq!(live.class("000.000.000"), Class::Approved);
        assert_eq!(live.class("000.100.200"), Class::Chargeback);
    }
}
