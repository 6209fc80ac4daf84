//! The stored pictures, read as a scanner does. Each is read once, and only some at a time: reading one takes longer than
//! drawing it.

use super::rows::Ticket;
use crate::visit::Visit;
use rqrr::PreparedImage;
use std::{
    collections::{BTreeSet, HashMap},
    fs,
    io::Cursor,
    path::Path,
    sync::{LazyLock, Mutex},
};

/// So many are read each time that the books are opened; the next time it is others' turn.
const AT_A_TIME: usize = 12;

type Read = Result<BTreeSet<String>, String>;

/// By their paths. A stored picture never changes.
static KNOWN: LazyLock<Mutex<HashMap<String, Read>>> = LazyLock::new(Mutex::default);

/// What the pictures of these tickets say, by booking.
pub(super) async fn of(visit: &Visit, tickets: &[Ticket]) -> HashMap<String, Read> {
    let Some(store) = &visit.system.store else { return HashMap::new() };
    let mut read_now = 0;
    let mut found = HashMap::new();
    for ticket in tickets {
        let Some(picture) = &ticket.picture else { continue };
        let path = store.join(format!("tickets/{}/{picture}.png", ticket.booking_id));
        let name = path.display().to_string();
        let known = KNOWN.lock().unwrap().get(&name).cloned();
        let says = match known {
            Some(says) => says,
            None if read_now < AT_A_TIME => {
                read_now += 1;
                let says = tokio::task::spawn_blocking(move || at(&path)).await.unwrap();
                KNOWN.lock().unwrap().insert(name, says.clone());
                says
            }
            None => continue,
        };
        found.insert(ticket.booking_id.clone(), says);
    }
    found
}

fn at(path: &Path) -> Read {
    let png = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    read(&png)
}

/// Every text that a scanner finds in a picture.
pub fn read(png: &[u8]) -> Result<BTreeSet<String>, String> {
    let mut reader =
        png::Decoder::new(Cursor::new(png)).read_info().map_err(|error| error.to_string())?;
    let mut bytes = vec![0; reader.output_buffer_size().ok_or("too large")?];
    let info = reader.next_frame(&mut bytes).map_err(|error| error.to_string())?;
    let side = |length: u32| usize::try_from(length).map_err(|error| error.to_string());
    let (width, height) = (side(info.width)?, side(info.height)?);
    // Green alone tells black from white, and costs nothing.
    let mut image =
        PreparedImage::prepare_from_greyscale(width, height, |x, y| bytes[3 * (y * width + x) + 1]);
    let codes = image.detect_grids().into_iter();
    codes
        .map(|code| code.decode().map(|(_, text)| text).map_err(|error| error.to_string()))
        .collect()
}
