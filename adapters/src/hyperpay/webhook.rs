//! `HyperPay`'s webhooks: decrypted first, read after. The tag of AES-256-GCM is the only proof of who wrote them, and
//! nothing in them is fresh: a delivery can be replayed for ever, so it only says whom to ask about
//! (OPPWA, "Webhooks": payload and decryption).

use super::{
    result_codes::{Class, ResultCodes},
    wire::{Answer, Kind},
};
use crate::{
    card_numbers,
    error::Error,
    provider::{Claim, Hint},
};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::Aead};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

const VECTOR_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// Of the digest's 64 hex digits; 160 bits name an event well enough.
const EVENT_CHARS: usize = 40;
const NAME_CHARS: usize = 64;

pub(super) type Header<'a> = &'a (dyn for<'h> Fn(&'h str) -> Option<String> + Sync);

/// The keys that are valid at once: an old and a new one while they are exchanged.
pub(super) struct Keys(Vec<Aes256Gcm>);

impl Keys {
    pub(super) fn new(keys: &[SecretString]) -> Result<Self, Error> {
        let cipher = |key: &SecretString| {
            let key = HEXLOWER_PERMISSIVE.decode(key.expose_secret().trim().as_bytes()).ok()?;
            Aes256Gcm::new_from_slice(&key).ok()
        };
        let ciphers: Option<Vec<Aes256Gcm>> = keys.iter().map(cipher).collect();
        ciphers.map(Self).ok_or_else(|| {
            Error::refused("configuration", "a hyperpay webhook key is not 64 hex digits")
        })
    }

    /// The text of a delivery, bare or in its JSON wrapper.
    fn open(&self, header: Header<'_>, body: &[u8]) -> Result<Vec<u8>, Error> {
        let hex = |name: &str| header(name).and_then(|text| unhex(&text));
        let vector: [u8; VECTOR_BYTES] = hex("x-initialization-vector")
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| Error::forged("hyperpay: no initialization vector"))?;
        let tag: [u8; TAG_BYTES] = hex("x-authentication-tag")
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| Error::forged("hyperpay: no authentication tag"))?;
        let mut sealed =
            sealed(body).ok_or_else(|| Error::unreadable("hyperpay: the body is not hex"))?;
        sealed.extend_from_slice(&tag);
        let nonce = Nonce::from(vector);
        let opened = self.0.iter().find_map(|key| key.decrypt(&nonce, sealed.as_slice()).ok());
        opened.ok_or_else(|| Error::forged("hyperpay: no key of ours opens it"))
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok()
}

fn sealed(body: &[u8]) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wrapper {
        encrypted_body: String,
    }

    let body = str::from_utf8(body).ok()?.trim();
    let sealed = match serde_json::from_str::<Wrapper>(body) {
        Ok(wrapper) => unhex(&wrapper.encrypted_body)?,
        Err(_) => unhex(body)?,
    };
    (!sealed.is_empty()).then_some(sealed)
}

/// What a delivery says, if its vendor wrote it.
pub(super) fn read(
    keys: &Keys,
    codes: &ResultCodes,
    header: Header<'_>,
    body: &[u8],
) -> Result<Hint, Error> {
    let text = card_numbers::masked(keys.open(header, body)?);
    let event: Value = serde_json::from_slice(&text)
        .map_err(|_| Error::unreadable("hyperpay: the vendor's text is not JSON"))?;
    Ok(Hint { event: name(&event), claim: claim(&event, codes) })
}

/// The same for every delivery of one event, however it was wrapped and encrypted.
fn name(event: &Value) -> String {
    let fields = [
        "/type",
        "/action",
        "/payload/id",
        "/payload/merchantTransactionId",
        "/payload/result/code",
        "/payload/timestamp",
    ];
    let mut hash = Sha256::new();
    for field in fields {
        let text = event.pointer(field).and_then(Value::as_str).unwrap_or_default();
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    }
    HEXLOWER.encode(&hash.finalize()).chars().take(EVENT_CHARS).collect()
}

fn claim(event: &Value, codes: &ResultCodes) -> Claim {
    let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let word = |text: &str| text.len() <= NAME_CHARS && text.bytes().all(letter);
    let other = || Claim::Other { kind: if word(kind) { kind } else { "unreadable" }.to_owned() };
    let payload = event.get("payload").cloned().unwrap_or_default();
    if kind != "PAYMENT" {
        return other();
    }
    let Ok(payment) = serde_json::from_value::<Answer>(payload) else { return other() };
    let taken = matches!(codes.class(&payment.result.code), Class::Approved | Class::Review);
    let of_money = payment.kind();
    let reference = payment.merchant_transaction_id.filter(|it| is_name(it));
    let transaction = payment.id.filter(|it| is_name(it));
    match (of_money, reference) {
        (Kind::Debit | Kind::Reservation, Some(reference)) => {
            Claim::Payment { reference, transaction, final_success: taken }
        }
        (Kind::GivenBack, Some(reference)) => Claim::Refund { reference, transaction },
        (Kind::Chargeback, reference) => {
            let transaction = payment.referenced_id.filter(|it| is_name(it));
            Claim::Chargeback { reference, transaction }
        }
        (Kind::Debit | Kind::Reservation | Kind::GivenBack | Kind::Other, _) => other(),
    }
}

/// A reference or an id, whoever has given it; anything else in its place goes no further.
fn is_name(text: &str) -> bool {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=NAME_CHARS).contains(&text.len()) && text.bytes().all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Delivery {
        key: &'static str,
        vector: &'static str,
        tag: &'static str,
        body: &'static str,
    }

    const KEY: &str = "5b1c0f2ad4e7783c9e11a6b0c3d8f24471e9ab5602cd34ff8790aa1b2c3d4e5f";

    /// The vector that the vendor publishes.
    const H0: Delivery = Delivery {
        key: "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f",
        vector: "000000000000000000000000",
        tag: "CE573FB7A41AB78E743180DC83FF09BD",
        body: "0A3471C72D9BE49A8520F79C66BBD9A12FF9",
    };
    const H1: Delivery = Delivery {
        key: KEY,
        vector: "0A1B2C3D4E5F60718293A4B5",
        tag: "B4B1BB054C13EC8ED9DFF29551618B1E",
        body: "D6F0B80B0DE3BABF0F71B5AE53F6E75BB2C1343763F8F49BECF27CEFF2364A3769E32C924C028625EB87A875\
             FF37680367388EC4D857DB05653907E8AEE70E54D795914CF3D9E910FEB75BF45DDF4488E9A0C7E13E17C929\
             D77363C8C62B06514DBEA39911A4BDFD01A128AA9E94FB24ABD0893C877A8C820DCF2B8F1F2AC3E8C54280D2\
             19A9881446B03B2D9ECCE2E7FA678C34F0A43BA259D953BB3E95EFD20863F3E4B825B906288C5C6782DE8C8F\
             93C9117FDD3FA50A8C198A950DDD28D1FA38043EA8204FB3FCEAFDC540D76D41410DC4A6A65A6595A03D424E\
             A1F43040338B9F52AA8369430C5FFFAAEB192FBB453B6BCE9B55274A911FB7ED4CB044C88AC63CC42CDDEE88\
             E01DFE33DB440B465AB61541B0AB73DE10108C1567B4214BF367F455A13EB93AA13D46F10A1C13DE362340FE\
             2395027F927627DC53951A2E0156A21D7B6E53EDBF70E804BBF1176CF447ADF41E45F9B3B35D7B473C2464F2\
             C67042E054DDD975877F34D978BE31B0DED67DACF61E162279B8F94C16F15120A091D9B8D454531EBF235CBF\
             DD060580F2F356600C9BEBF65B31DE405ADE110EC176F965BAD311BDE8DFFABC65F924A455D74D48D90DCDE1\
             69663A51DF29C3C684A99549433A618BC0FC957A8F4AF80299357828400BA47BDD738B6FCA36A57AC8035B79\
             77736DB969DE5B2620B44D0AEA308BEC7D9E1DFBB7C34461136CD8AE74861BC028D22319BD61E64CAA52DF23\
             0BF5CBD4FC39DA05716E01D78E4E80BDD47B1454CF15DD09DBDB1A76A4EFF82988D21DF7CB2E156ECBDAAC4E",
    };
    const H2: Delivery = Delivery {
        key: KEY,
        vector: "FFEEDDCCBBAA998877665544",
        tag: "1324DF68D48DEF55F6029E035D890CDA",
        body: "686403C4EED0D22B78468E4E13FB017C0867DF659602BFE2C0C75D07F92F47F5A4AE35C0449137687B377A91\
             289A9BB59549F0DA6D4C5EC111FDF1EAA4F875BD33F337D795D20227AC768A75D5BAD46EAB17F8B7E426A94F\
             247F27C892BCD8C069885F0D1970F844C16701DB3376FBB25166611C2F012D3A40B7A2E62100B1119321D4B8\
             CB9AEC68B946ED10AE49BD8D77FB9F79F06825E66D250EEE723CC48955750D72BB3D4A8C23E8ECF3BE5F8B2A\
             F8870D49201587F576BB78343A3A62161A3DBE683A0AE8F4D1345E51E3C7411C2430DFD59F537C69B0006795\
             DBB7978A740322E432469996BF59A87305455A47D58BB8DA6C85F4E15F3236C49C99E413EEA2BBE1D9B71DC1\
             EB5CFA0238569A45A3ED31E2687DE86B6911AA5594DA20884AB930AA8BDB9ECA6C09FC500F2AACD880195F4D\
             626F17D9A6ACDAD64B67E9ECF4CCA2E48CB9D890315B13E3F39EDAE0C92BB92830FD3FA9050F63BBDA4C609F\
             B084C0DCF539027F1F5ACC01945B9C12722FF5E3BB7D938859F94635D9F9DC3F13E1EC9BC2D3F8ED205DC43F\
             9FBDA4053138",
    };
    const H3: Delivery = Delivery {
        key: KEY,
        vector: "00112233445566778899AABB",
        tag: "A029F7C45C9BEB8F9EDB98B3A89553C2",
        body: "54DCD7E9D601A96262A8E67E16C90058057B1AC0684CB1906B4722E33C593B465AD5168101596DAC32CD5018\
             0B3FD400C34C4B025B70ED50DE49F4F6AD2456F77FD4D83AA6DA5F3CD38F98F4C66A7D5F1E89B76E38BEF205\
             09D7074F957BD0945B886FCD4BDCB45EF978630A12C788BC91FF43C4BBB1B9A6EEBE40BAFDDDBDC3016038EC\
             4D546EDA9CFB5874ABF73F78C023E9DA2B1A1C09C93E8327CF6FAACD221BBB98CF694F5CC060269A93EC19EA\
             C23EB1FD14141DE6C1A7C686F3FF946A99BC29C0E4FCE9D14C5245C2D53A64DDC730FF6D7145547C5547E176\
             F42255B5AF7DA2A17EB95E492AD5FEDC1ECCEC4693B53A02D612EB973E0757EA9FC94162CFC9907B611D7EA3\
             6D3E2366B3E55909CE5453DD379A3E71A4C39F520CB98FBF23E4792B1C518AD18617942BE4678E974D6E5C12\
             5614A490085AB4C0D18714089294DA4E29ACA914EADFBC5CA8641890AD8F8634B9B8371193BFB71BE149A5B5\
             C5670B80DB85C360D1744FDA85E4",
    };
    const H4: Delivery = Delivery {
        key: KEY,
        vector: "1234567890ABCDEF12345678",
        tag: "EF75AC212EE6EEE558BEF7BF629AD9E1",
        body: "914755328323D241A77B52D8CD037D46CFB69ECA5058EAFCF73E6352C0C4A10C2236DD260E99260395D4CEA4\
             8C4775E4F6B836D196491201290DE2000DD40B7577C58176F71A5F74C0799475C7D29FA54F4D53DD7C493EA3\
             5E07134029592583557B35F1398E69D6CEFEEF0EC6372862AE41EDB5E721839EFBED4D7938371E77F62C1EE9\
             E3B2CC2600B91C73A5EB4B2974A511F392830EAE32B5CF30E6DBB52C17AA4B42B8C00390F00F8AE18DF867A5\
             CE77459AC8E09FA619759C508FDBAA3A84FEDBD04940BB12ABA3679E4ED367B679F9E4384F03D92AD9985CF9\
             BE22B232DDA23C1B5D6CBB6FBCA70048AF640503F4F27D8AF2FA13ADE4231F9872B89D09BD14B9350A315D99\
             485A3DEF620F7EFD07240C5F0BB62352DB231E140B6D5FBFF4FBD108F42B98FEF6A0486358FCFB5F3F441665\
             86AA8DFB2A1AD6DE4C0D98FEECCB10A2DDD69EED6B2F653726EC6AAAD022961E8418F0152A598B2055B36EED\
             0CD5CF12E4F6D9DD679820A2CD82174DD6A7250E025343A72A2C263958076DDACD1638299BE7",
    };

    impl Delivery {
        fn read_with(&self, keys: &[&str], tag: &str, body: &[u8]) -> Result<Hint, Error> {
            let keys: Vec<SecretString> = keys.iter().map(|key| (*key).into()).collect();
            let header = |name: &str| match name {
                "x-initialization-vector" => Some(self.vector.to_owned()),
                "x-authentication-tag" => Some(tag.to_owned()),
                _ => None,
            };
            read(&Keys::new(&keys)?, &ResultCodes::new(false).unwrap(), &header, body)
        }

        fn read(&self) -> Hint {
            self.read_with(&[self.key], self.tag, self.body.as_bytes()).unwrap()
        }

        fn is_forged(&self, keys: &[&str], tag: &str, body: &[u8]) -> bool {
            matches!(self.read_with(keys, tag, body), Err(Error::Forged { .. }))
        }
    }

    #[test]
    fn the_published_vector_opens_with_its_key_alone() {
        assert_eq!(H0.read().claim, Claim::Other { kind: "PAYMENT".to_owned() });
        let wrong = "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0e";
        assert!(H0.is_forged(&[wrong], H0.tag, H0.body.as_bytes()));
        assert!(H0.is_forged(&[], H0.tag, H0.body.as_bytes()));
        assert!(H0.is_forged(&[H0.key], "CE573FB7A41AB78E743180DC83FF09BC", H0.body.as_bytes()));
        let both = [wrong, H0.key];
        assert!(H0.read_with(&both, H0.tag, H0.body.as_bytes()).is_ok());
    }

    #[test]
    fn each_delivery_claims_what_it_is_about() {
        let transaction = Some("8ac7a4a2900000010190000000000001".to_owned());
        let payment = |final_success| Claim::Payment {
            reference: "BK-20261121-0001-p1".to_owned(),
            transaction: transaction.clone(),
            final_success,
        };
        assert_eq!(H1.read().claim, payment(true));
        assert_eq!(H4.read().claim, payment(false));
        let refund = Claim::Refund {
            reference: "BK-20261121-0001-r1".to_owned(),
            transaction: Some("8ac7a4a2900000010190000000000002".to_owned()),
        };
        assert_eq!(H2.read().claim, refund);
        assert_eq!(H3.read().claim, Claim::Other { kind: "REGISTRATION".to_owned() });
    }

    #[test]
    fn an_event_has_one_name_however_it_is_wrapped() {
        let bare = H1.read();
        assert_eq!(bare.event.len(), EVENT_CHARS);
        let wrapped = format!("{{\"encryptedBody\":\"{}\"}}", H1.body);
        assert_eq!(H1.read_with(&[KEY], H1.tag, wrapped.as_bytes()).unwrap(), bare);
        let small = format!(" {}\r\n", H1.body.to_lowercase());
        let tag = H1.tag.to_lowercase();
        assert_eq!(H1.read_with(&[KEY], &tag, small.as_bytes()).unwrap(), bare);
        let events = [&H1, &H2, &H3, &H4].map(|delivery| delivery.read().event);
        assert!(events.iter().skip(1).all(|event| *event != bare.event));
    }

    #[test]
    fn whatever_is_not_the_vendors_is_forged() {
        for (delivery, tag) in [(&H1, H2.tag), (&H2, H1.tag), (&H3, H1.tag), (&H4, H1.tag)] {
            assert!(delivery.is_forged(&[KEY], tag, delivery.body.as_bytes()));
        }
        let wrapped = |hex: &str| format!("{{\"encryptedBody\":\"{hex}\"}}");
        let shorter = H1.body.get(..H1.body.len() - 1).unwrap();
        for body in [
            "",
            "zz",
            "A",
            "AB",
            shorter,
            "{}",
            "{\"encryptedBody\":1}",
            "سارة",
            &wrapped("A"),
            &wrapped(""),
        ] {
            assert!(H1.is_forged(&[KEY], H1.tag, body.as_bytes()), "{body}");
        }
        assert!(H1.is_forged(&[KEY], H1.tag, b"\xff\xfe"));
        for tag in ["", "AB", "zz", "B4B1BB054C13EC8ED9DFF29551618B1E00"] {
            assert!(H1.is_forged(&[KEY], tag, H1.body.as_bytes()), "{tag}");
        }
    }

    #[test]
    fn what_has_not_the_shape_of_an_id_goes_no_further() {
        let codes = ResultCodes::new(false).unwrap();
        let event = |reference: &str, id: &str| {
            serde_json::json!({"type": "PAYMENT", "payload": {"id": id, "paymentType": "DB",
                "merchantTransactionId": reference, "result": {"code": "000.000.000"}}})
        };
        let claimed = claim(&event("ref", "t{1\0"), &codes);
        let (reference, transaction) = ("ref".to_owned(), None);
        assert_eq!(claimed, Claim::Payment { reference, transaction, final_success: true });
        for odd in ["", "Sara Ali", "a\0b", &"a".repeat(NAME_CHARS + 1)] {
            assert!(matches!(claim(&event(odd, "t1"), &codes), Claim::Other { .. }), "{odd}");
        }
    }

    #[test]
    fn money_given_back_and_taken_back_are_told_apart() {
        let codes = ResultCodes::new(false).unwrap();
        let event = |kind: &str, payment_type: &str| {
            serde_json::json!({"type": kind, "payload": {"id": "t2", "referencedId": "t1",
                "paymentType": payment_type, "merchantTransactionId": "ref",
                "result": {"code": "000.000.000"}}})
        };
        let reference = || "ref".to_owned();
        let (t1, t2) = (Some("t1".to_owned()), Some("t2".to_owned()));
        let chargeback = Claim::Chargeback { reference: Some(reference()), transaction: t1 };
        assert_eq!(claim(&event("PAYMENT", "CB"), &codes), chargeback);
        let refund = Claim::Refund { reference: reference(), transaction: t2 };
        assert_eq!(claim(&event("PAYMENT", "RV"), &codes), refund);
        for (kind, payment_type) in
            [("PAYMENT", "3D"), ("RISK", "RI"), ("SCHEDULE", "SD"), ("test", "DB")]
        {
            let other = Claim::Other { kind: kind.to_owned() };
            assert_eq!(claim(&event(kind, payment_type), &codes), other);
        }
    }
}
