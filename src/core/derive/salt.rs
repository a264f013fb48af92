//! The salt of `hash`: a secret from a file, of which a plan knows the digest alone.
//!
//! Equal digests are equal salts. A plan that is read back from its text has no secret until it is lent one; without it a mask
//! hides the value altogether.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// The shortest salt, in bytes: what is shorter can be tried, one after the other, against its digest.
pub const SHORTEST: usize = 16;
/// The block of SHA-256, in bytes.
const BLOCK: usize = 64;
/// So many bytes of the digest stand in a plan, in two digits each.
const SHOWN: usize = 16;

/// A salt.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Salt {
    digest: String,
    secret: Option<Arc<[u8]>>,
}

impl Salt {
    /// The salt of these bytes.
    pub fn new(secret: &[u8]) -> Salt {
        let digest = Sha256::new().chain_update(b"sidestream salt\0").chain_update(secret).finalize();
        let digest = digest.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
        Salt { digest, secret: Some(secret.into()) }
    }

    /// Whether the secret itself is here.
    pub fn is_known(&self) -> bool {
        self.secret.is_some()
    }

    /// Takes the secret over from another plan's salt, if it is the same one.
    pub fn borrow(&mut self, other: &Salt) {
        if self.digest == other.digest && self.secret.is_none() {
            self.secret.clone_from(&other.secret);
        }
    }

    /// HMAC-SHA-256 (RFC 2104) of a text under the salt; `None` without the secret.
    pub fn hmac(&self, text: &[u8]) -> Option<[u8; 32]> {
        self.secret.as_deref().map(|secret| hmac(secret, text))
    }
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let hashed: [u8; 32] = Sha256::digest(key).into();
    let key = if key.len() > BLOCK { &hashed } else { key };
    let padded = |with: u8| {
        let mut block = [with; BLOCK];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Salt({}, {})", self.digest, if self.is_known() { "not shown" } else { "not known" })
    }
}

impl PartialEq for Salt {
    fn eq(&self, other: &Salt) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Salt {}

impl From<String> for Salt {
    fn from(digest: String) -> Salt {
        Salt { digest, secret: None }
    }
}

impl From<Salt> for String {
    fn from(salt: Salt) -> String {
        salt.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_vectors_of_rfc_4231_come_out() {
        for (key, text, expected) in [
            (vec![0x0b; 20], b"Hi There".to_vec(), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (vec![0xaa; 20], vec![0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(hex(&hmac(&key, &text)), expected);
        }
    }

    #[test]
    fn a_plan_has_the_digest_alone_and_may_be_lent_the_secret() {
        let salt = Salt::new(b"a canary that nobody may see");
        let text = serde_json::to_string(&salt).unwrap();
        assert!(!text.contains("canary") && !format!("{salt:?}").contains("canary"));
        let mut read: Salt = serde_json::from_str(&text).unwrap();
        assert_eq!((read == salt, read.is_known(), read.hmac(b"x")), (true, false, None));
        read.borrow(&Salt::new(b"another one, as long as that"));
        assert!(!read.is_known());
        read.borrow(&salt);
        assert_eq!(read.hmac(b"x"), salt.hmac(b"x"));
    }
}
