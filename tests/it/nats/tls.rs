//! TLS with a real server: what a certificate must be, and what is said when it is not.
//!
//! The certificates are made by `openssl`, which the machine that tests must have.

use crate::server::Server;
use sidestream::adapters::nats::connect::{Connection, NatsSettings, TlsSettings};
use sidestream::ports::stream::{BrokerError, Denial};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Two authorities, a server's certificate for 127.0.0.1 and a client's, in one directory.
struct Certificates(tempfile::TempDir);

impl Certificates {
    fn make() -> Certificates {
        let these = Certificates(tempfile::tempdir().unwrap());
        for authority in ["ca", "other"] {
            these.openssl(&format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={authority} -keyout {authority}.key -out {authority}.pem"
            ));
        }
        for (name, use_of) in [("server", "serverAuth"), ("client", "clientAuth")] {
            let extensions = format!("subjectAltName=IP:127.0.0.1\nextendedKeyUsage={use_of}\n");
            std::fs::write(these.path("extensions"), extensions).unwrap();
            these.openssl(&format!(
                "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
            ));
            these.openssl(&format!(
                "x509 -req -days 2 -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile extensions -out {name}.pem"
            ));
        }
        these
    }

    fn openssl(&self, arguments: &str) {
        let ran = Command::new("openssl").args(arguments.split(' ')).current_dir(self.0.path()).output();
        let ran = ran.expect("these tests need openssl");
        assert!(ran.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A server with these certificates and more lines in its section `tls`.
    fn server(&self, more: &str) -> Server {
        let show = |name: &str| self.path(name).display().to_string();
        let (cert, key, ca) = (show("server.pem"), show("server.key"), show("ca.pem"));
        let tls = format!("tls {{ cert_file: \"{cert}\", key_file: \"{key}\", ca_file: \"{ca}\", {more} }}");
        if more.contains("handshake_first") { Server::start_silent(&tls) } else { Server::start_with(&tls) }
    }

    fn trusting(&self, authority: &str, url: String) -> NatsSettings {
        let tls = TlsSettings { ca_file: Some(self.path(authority)), ..TlsSettings::default() };
        NatsSettings { url, tls: Some(tls), ..NatsSettings::default() }
    }
}

/// What is said at once, with a hint at the section.
async fn refused(settings: &NatsSettings) -> String {
    let began = Instant::now();
    let error = Connection::open(settings, "test").await.expect_err("it was let in");
    assert!(began.elapsed() < Duration::from_secs(3), "{error}");
    let BrokerError::Denied { by: Denial::Login, what, hint } = error else { panic!("{error:?}") };
    assert!(hint.contains("[nats.tls]") || hint.contains("in the file"), "{what}: {hint}");
    what
}

fn with_client(mut settings: NatsSettings, dir: &Path) -> NatsSettings {
    if let Some(tls) = &mut settings.tls {
        (tls.cert_file, tls.key_file) = (Some(dir.join("client.pem")), Some(dir.join("client.key")));
    }
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_do_not_suit_are_named_at_once() {
    let made = Certificates::make();
    let server = made.server("");
    let url = format!("tls://{}", server.address());
    Connection::open(&made.trusting("ca.pem", url.clone()), "test").await.unwrap();
    assert!(refused(&made.trusting("other.pem", url.clone())).await.contains("UnknownIssuer"));
    let by_name = made.trusting("ca.pem", url.replace("127.0.0.1", "localhost"));
    assert!(refused(&by_name).await.contains("not valid for name"));
    assert!(refused(&made.trusting("ca.key", url.clone())).await.contains("ca.key: holds no certificate"));
    let mut bare = with_client(made.trusting("ca.pem", url), made.0.path());
    if let Some(tls) = &mut bare.tls {
        tls.key_file.clone_from(&tls.cert_file);
    }
    assert!(refused(&bare).await.contains("holds no private key"));
    // A server without TLS answers the handshake with words of its own.
    let plain = Server::start();
    refused(&made.trusting("ca.pem", plain.url())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_a_certificate_gets_one_or_says_so() {
    let made = Certificates::make();
    let server = made.server("verify: true");
    let without = made.trusting("ca.pem", format!("tls://{}", server.address()));
    Connection::open(&with_client(without.clone(), made.0.path()), "test").await.unwrap();
    // The alert comes after the handshake and may be overtaken by the end of the connection: then it is asked again.
    let words = crate::nats::soon("the server's alert", async {
        loop {
            match Connection::open(&without, "test").await {
                Ok(_) => panic!("it was let in"),
                Err(BrokerError::Denied { what, hint, .. }) => break format!("{what} {hint}"),
                Err(error) => assert!(error.is_transient(), "{error}"),
            }
        }
    })
    .await;
    assert!(words.contains("ertificate") && words.contains("[nats.tls]"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_may_come_first() {
    let made = Certificates::make();
    let server = made.server("handshake_first: true");
    let mut settings = made.trusting("ca.pem", format!("tls://{}", server.address()));
    let error = Connection::open(&settings, "test").await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("nats.tls.first"), "{error}");
    if let Some(tls) = &mut settings.tls {
        tls.first = true;
    }
    Connection::open(&settings, "test").await.unwrap();
}
