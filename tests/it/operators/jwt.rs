//! A server with an operator, whose users come with a JWT: one that expires or is replaced while the engine runs.
//!
//! The operator, its account and its users are the test's own: a JWT is two texts in base64 and a signature.

use super::{bare_with, page, ready};
use crate::harness::load::{publish, school};
use crate::harness::streams;
use crate::harness::wait::{DEADLINE, wait_until};
use crate::harness::wire::Wire;
use crate::server::Server;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A JWT about `subject`, signed by `issuer`.
fn jwt(issuer: &KeyPair, subject: &str, expires_s: Option<u64>, nats: &Value) -> String {
    let mut claims = json!({
        "jti": format!("{subject}-{}", now_s()), "iat": now_s(), "iss": issuer.public_key(), "name": "test", "sub": subject,
        "nats": nats,
    });
    if let Some(at) = expires_s {
        claims["exp"] = json!(at);
    }
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "typ": "JWT", "alg": "ed25519-nkey" })), part(&claims));
    let signature = issuer.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// An operator with one account.
struct Operator {
    key: KeyPair,
    system: KeyPair,
    account: KeyPair,
}

impl Operator {
    fn new() -> Operator {
        Operator { key: KeyPair::new_operator(), system: KeyPair::new_account(), account: KeyPair::new_account() }
    }

    /// The server's lines. Users that were issued before are revoked where it is told so.
    fn config(&self, revoked: &[&KeyPair]) -> String {
        let all = json!({ "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1,
            "leaf": -1, "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1 });
        let mut account = json!({ "type": "account", "version": 2, "limits": all });
        for user in revoked {
            account["revocations"][user.public_key()] = json!(now_s() + 60);
        }
        let system = json!({ "type": "account", "version": 2, "limits": { "subs": -1, "data": -1, "payload": -1, "imports": -1,
            "exports": -1, "wildcards": true, "conn": -1, "leaf": -1 } });
        let operator = json!({ "type": "operator", "version": 2, "system_account": self.system.public_key() });
        format!(
            "operator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{\n {}: {}\n {}: {}\n}}",
            jwt(&self.key, &self.key.public_key(), None, &operator),
            self.system.public_key(),
            self.system.public_key(),
            jwt(&self.key, &self.system.public_key(), None, &system),
            self.account.public_key(),
            jwt(&self.key, &self.account.public_key(), None, &account),
        )
    }

    /// A credentials file for a user whose JWT expires.
    fn credentials(&self, user: &KeyPair, expires_s: Option<u64>) -> String {
        let claims = json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1 });
        format!(
            "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            jwt(&self.account, &user.public_key(), expires_s, &claims),
            user.seed().unwrap()
        )
    }

    /// A JWT for the test's own connection.
    fn bearer(&self) -> String {
        let claims =
            json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1, "bearer_token": true });
        jwt(&self.account, &KeyPair::new_user().public_key(), None, &claims)
    }
}

#[test]
fn a_jwt_that_expires_or_is_revoked_is_waited_for_and_read_again() {
    let operator = Operator::new();
    let server = Server::start_with(&operator.config(&[]));
    let wire = Wire::connect_as(server.address(), &format!(r#""jwt":"{}""#, operator.bearer())).unwrap();
    let mut bed = bare_with(server, wire);
    streams::create(&mut bed.wire);
    let (first, second) = (KeyPair::new_user(), KeyPair::new_user());
    let path = bed.dir.path().join("engine.creds");
    let file = path.display().to_string();
    std::fs::write(&path, operator.credentials(&first, Some(now_s() + 4))).unwrap();
    let login = [("nats.credentials_file", &*file)];
    let mut engine = bed.engine("state", &login);
    publish(&mut bed.wire, &mut school(73, 20), 500).unwrap();
    bed.finish();
    // The server lets it go, and nobody has renewed the file.
    engine.wait_for_log("refused the login");
    let (is_ready, words) = ready(&engine);
    assert!(!is_ready && words.contains("refused the login"), "{words}");
    // A process that never came in is told at once.
    let (code, log) = bed.engine("late", &login).exited(DEADLINE);
    assert!(code == Some(78) && log.contains("credentials_file"), "{log}");
    std::fs::write(&path, operator.credentials(&first, None)).unwrap();
    bed.finish();
    wait_until("the engine to be ready again", || ready(&engine).0.then_some(()));
    // A file that is renewed before the server asks costs nothing.
    std::fs::write(&path, operator.credentials(&second, None)).unwrap();
    let refusals = engine.log().matches("refused the login").count();
    bed.server.reload_with(&operator.config(&[&first]));
    engine.wait_for_log("starting again");
    publish(&mut bed.wire, &mut school(74, 20), 500).unwrap();
    bed.finish();
    wait_until("the engine to be ready again", || ready(&engine).0.then_some(()));
    assert_eq!(engine.log().matches("refused the login").count(), refusals);
    assert!(page(&engine, "/healthz").0 && engine.runs());
    engine.drain();
    bed.assert_clean();
}

/// A user of the server's own file, known by its key alone.
#[test]
fn an_nkey_that_is_replaced_is_waited_for_and_read_again() {
    let users = |key: &KeyPair| {
        format!(
            "authorization {{ users: [ {{ user: admin, password: x }}, {{ nkey: {} }} ] }}\nno_auth_user: admin",
            key.public_key()
        )
    };
    let (first, second) = (KeyPair::new_user(), KeyPair::new_user());
    let mut bed = super::bed_on(Server::start_with(&users(&first)));
    let path = bed.dir.path().join("engine.nk");
    let file = path.display().to_string();
    std::fs::write(&path, first.seed().unwrap()).unwrap();
    let mut engine = bed.engine("state", &[("nats.nkey_file", &*file)]);
    publish(&mut bed.wire, &mut school(75, 20), 500).unwrap();
    bed.finish();
    bed.server.reload_with(&users(&second));
    engine.wait_for_log("refused the login");
    std::fs::write(&path, second.seed().unwrap()).unwrap();
    publish(&mut bed.wire, &mut school(76, 20), 500).unwrap();
    bed.finish();
    wait_until("the engine to be ready again", || ready(&engine).0.then_some(()));
    engine.drain();
    bed.assert_clean();
}
