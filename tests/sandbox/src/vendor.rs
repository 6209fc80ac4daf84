//! What every stand-in signs: recognise a call, perform it, and keep the same desk for the control plane.

use crate::catalogue::{Known, Operation};
use crate::clock::Clock;
use crate::faults::{Call, Fault, Faults};
use crate::ledger::Ledger;
use crate::outbox::{Letter, Outbox, Parcel};
use crate::switches::{Switch, Switches};
use crate::wire::{Answer, Wire};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What all vendors have: the ledger, the faults, the switches and the outgoing webhooks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Desk {
    pub ledger: Ledger,
    pub faults: Faults,
    pub switches: Switches,
    pub outbox: Outbox,
}

impl Desk {
    pub(crate) fn new(known: &[Switch]) -> Self {
        Self { switches: Switches::new(known), ..Self::default() }
    }
}

/// When a call is performed, and what shall go wrong inside it.
pub(crate) struct Moment {
    pub now: i64,
    pub clock: Clock,
    pub fault: Option<Fault>,
    /// The call was begun before and is now finished late.
    pub begun: bool,
}

impl Moment {
    pub(crate) fn fault_is(&self, name: &str) -> bool {
        self.fault.as_ref().is_some_and(|fault| fault.is(name))
    }

    /// The fault's name, or nothing.
    pub(crate) fn fault_name(&self) -> &str {
        self.fault.as_ref().map(|fault| fault.name.as_str()).unwrap_or_default()
    }

    /// The code that a fault of this stem names.
    pub(crate) fn fault_code(&self, stem: &str) -> Option<&str> {
        self.fault.as_ref()?.code(stem)
    }
}

/// What the shopper does on the payment page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Approve,
    Decline,
    Abandon,
}

/// A copy of the state that is turned into JSON later, without the lock.
pub(crate) type Snapshot = Box<dyn FnOnce() -> serde_json::Result<String> + Send>;

pub(crate) trait Vendor: Send {
    fn operations(&self) -> &'static [Operation];
    /// The faults it knows beyond the general ones.
    fn faults(&self) -> &'static [Known];
    fn switches(&self) -> &'static [Switch];
    fn desk(&self) -> &Desk;
    fn desk_mut(&mut self) -> &mut Desk;

    /// Which operation a request is, or none.
    fn identify(&self, wire: &Wire) -> Option<Call>;
    /// Does it, with everything the operation changes.
    fn perform(&mut self, wire: &Wire, call: &Call, moment: &Moment) -> Answer;
    /// Marks the start of a call that is performed later.
    fn begin(&mut self, _call: &Call) {}
    /// The control plane's shopper: which call it makes, and what comes of it.
    fn pay_call(&self, _session: &str) -> Option<Call> {
        None
    }
    fn pay(&mut self, _session: &str, _outcome: Outcome, _moment: &Moment) -> Answer {
        Answer::text(404, "this vendor has no payment page")
    }
    /// What is done at the vendor's terminal: which call it is, and what comes of it.
    fn terminal_call(&self, _act: &str, _wire: &Wire) -> Option<Call> {
        None
    }
    fn at_terminal(&mut self, _call: &Call, _wire: &Wire, _moment: &Moment) -> Answer {
        Answer::text(404, "this vendor has no terminals")
    }
    /// The bank takes the latest capture of a reference back.
    fn charge_back(&mut self, _reference: &str, _now: i64) -> Answer {
        Answer::text(404, "this vendor has no charge-backs")
    }
    /// How a letter leaves, encrypted or signed; none when there is nowhere to send it.
    fn seal(&self, _letter: &Letter) -> Option<Parcel> {
        None
    }
    /// Lets time do its work. True when something changed.
    fn sweep(&mut self, _now: i64) -> bool {
        false
    }

    fn reset(&mut self);
    fn snapshot(&self) -> Snapshot;
    fn restore(&mut self, saved: Value) -> serde_json::Result<()>;
}
