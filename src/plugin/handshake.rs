//! How Terraform and a fresh plugin process find each other: what the environment asks for, and the one
//! line on standard output that answers it.
//!
//! Everything here is pure; [`serve()`](crate::plugin::serve()) reads the real environment and prints the line.

use std::ffi::OsString;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::address::Address;

/// The variable by which a plugin knows that Terraform started it.
pub const COOKIE_NAME: &str = "TF_PLUGIN_MAGIC_COOKIE";

/// Its value: public, the same for every provider, no secret.
pub const COOKIE_VALUE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// The major version that is spoken here. A client that does not offer it says so to its user itself.
pub const PROTOCOL_VERSION: u32 = 6;

/// The version of go-plugin's own conventions.
const CORE_PROTOCOL_VERSION: u32 = 1;

/// What the client asks for in the environment of the process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The client's certificate in PEM; without it the connection is plain.
    pub client_certificate: Option<String>,
    /// Where to put the socket; without it the system's temporary directory.
    pub socket_directory: Option<PathBuf>,
    /// A group, by name or number, that may use the socket too.
    pub socket_group: Option<String>,
    /// Ports for systems without sockets; without it the system chooses one.
    pub ports: Option<RangeInclusive<u16>>,
    /// Whether the client wants to know if connections can be shared.
    pub multiplex: bool,
}

/// Why the environment is not that of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// A person started the program, or something else that is no plugin client.
    #[error(
        "This program is a Terraform provider: a plugin, not a command to be run directly.\n\
         Terraform starts it by itself when a configuration uses the provider."
    )]
    NotAPlugin,
    /// A variable that cannot be understood.
    #[error("{name} is {value:?}, which is not {expected}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
}

impl Environment {
    /// Reads the client's wishes. `variable` looks up an environment variable.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, HandshakeError> {
        if variable(COOKIE_NAME).is_none_or(|cookie| cookie != COOKIE_VALUE) {
            return Err(HandshakeError::NotAPlugin);
        }
        let filled = |name| variable(name).filter(|value| !value.is_empty());
        let text = |name: &'static str| match filled(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(raw)) => Err(HandshakeError::Variable {
                name,
                value: raw.to_string_lossy().into_owned(),
                expected: "valid Unicode",
            }),
        };
        let port = |name: &'static str| match text(name)? {
            None => Ok(None),
            Some(value) => match value.parse::<u16>() {
                Ok(port) => Ok(Some(port)),
                Err(_) => Err(HandshakeError::Variable {
                    name,
                    value,
                    expected: "a port number",
                }),
            },
        };
        let ports = match (port("PLUGIN_MIN_PORT")?, port("PLUGIN_MAX_PORT")?) {
            (Some(min), Some(max)) => Some(min..=max),
            _ => None,
        };
        Ok(Self {
            client_certificate: text("PLUGIN_CLIENT_CERT")?,
            socket_directory: filled("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            socket_group: text("PLUGIN_UNIX_SOCKET_GROUP")?,
            ports,
            multiplex: filled("PLUGIN_MULTIPLEX_GRPC").is_some(),
        })
    }
}

/// The line that tells the client where and how to connect. [`fmt::Display`] writes it without the line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeLine {
    /// Where the plugin listens.
    pub address: Address,
    /// The server's certificate; none for a plain connection.
    pub certificate: Option<Vec<u8>>,
    /// Whether to tell that connections cannot be shared. Older clients know no such field and would read it
    /// as a part of the certificate, so it is told only to those that ask.
    pub multiplex_asked: bool,
}

impl fmt::Display for HandshakeLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificate = self
            .certificate
            .as_ref()
            .map_or_else(String::new, |der| STANDARD_NO_PAD.encode(der));
        write!(
            f,
            "{CORE_PROTOCOL_VERSION}|{PROTOCOL_VERSION}|{}|{}|grpc|{certificate}",
            self.address.network(),
            self.address
        )?;
        if self.multiplex_asked {
            f.write_str("|false")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Result<Environment, HandshakeError> {
        let variables: Vec<(String, OsString)> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), OsString::from(value)))
            .collect();
        Environment::read(|wanted| {
            variables
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.clone())
        })
    }

    fn line() -> HandshakeLine {
        HandshakeLine {
            address: Address::Unix("/tmp/a/plugin.sock".into()),
            certificate: Some(vec![0xfb, 0xff, 0xfe, 0x01]),
            multiplex_asked: false,
        }
    }

    #[test]
    fn without_the_cookie_it_is_no_plugin() {
        assert_eq!(environment(&[]), Err(HandshakeError::NotAPlugin));
        assert_eq!(
            environment(&[(COOKIE_NAME, "something else")]),
            Err(HandshakeError::NotAPlugin)
        );
        let sentence = HandshakeError::NotAPlugin.to_string();
        assert!(
            sentence.contains("Terraform starts it by itself"),
            "{sentence}"
        );
    }

    #[test]
    fn all_wishes_of_the_client_are_read() {
        let read = environment(&[
            (COOKIE_NAME, COOKIE_VALUE),
            ("PLUGIN_CLIENT_CERT", "-----BEGIN CERTIFICATE-----\n"),
            ("PLUGIN_UNIX_SOCKET_DIR", "/run/plugins"),
            ("PLUGIN_UNIX_SOCKET_GROUP", "staff"),
            ("PLUGIN_MIN_PORT", "10000"),
            ("PLUGIN_MAX_PORT", "25000"),
            ("PLUGIN_MULTIPLEX_GRPC", "true"),
        ]);
        assert_eq!(
            read,
            Ok(Environment {
                client_certificate: Some("-----BEGIN CERTIFICATE-----\n".into()),
                socket_directory: Some("/run/plugins".into()),
                socket_group: Some("staff".into()),
                ports: Some(10000..=25000),
                multiplex: true,
            })
        );
    }

    #[test]
    fn empty_variables_are_as_good_as_absent() {
        let read = environment(&[
            (COOKIE_NAME, COOKIE_VALUE),
            ("PLUGIN_CLIENT_CERT", ""),
            ("PLUGIN_UNIX_SOCKET_DIR", ""),
            ("PLUGIN_MULTIPLEX_GRPC", ""),
        ]);
        assert_eq!(read, Ok(Environment::default()));
    }

    #[test]
    fn a_port_that_is_no_number_is_named() {
        let error = environment(&[(COOKIE_NAME, COOKIE_VALUE), ("PLUGIN_MIN_PORT", "many")])
            .expect_err("not a port");
        assert_eq!(
            error.to_string(),
            "PLUGIN_MIN_PORT is \"many\", which is not a port number"
        );
    }

    #[test]
    fn the_line_has_six_fields_and_a_certificate_without_padding() {
        assert_eq!(
            line().to_string(),
            "1|6|unix|/tmp/a/plugin.sock|grpc|+//+AQ"
        );
    }

    #[test]
    fn without_tls_the_certificate_is_empty() {
        let line = HandshakeLine {
            address: Address::Tcp(([127, 0, 0, 1], 10000).into()),
            certificate: None,
            ..line()
        };
        assert_eq!(line.to_string(), "1|6|tcp|127.0.0.1:10000|grpc|");
    }

    #[test]
    fn a_seventh_field_answers_only_a_client_that_asks() {
        let line = HandshakeLine {
            multiplex_asked: true,
            ..line()
        };
        assert!(line.to_string().ends_with("|grpc|+//+AQ|false"));
    }
}
