//! Proxies in front of the node: which are believed, and how they tell who asks.

use super::Settings;
use crate::limits::TRUSTED_NETWORKS_MAX;
use crate::session::trust::Trusted;
use crate::wire::http::forwarded::Style;
use crate::wire::http::network::Network;

pub(super) const TRUSTED_ALLOWED: &str =
    "a list of networks, addresses and \"unix\": [\"10.0.0.0/8\", \"fd00::/8\", \"127.0.0.1\", \"unix\"]";
pub(super) const PROTOCOL_ALLOWED: &str = "\"off\" or \"v1v2\"";
pub(super) const FORWARDED_ALLOWED: &str = "\"off\", \"x-forwarded-for\" or \"forwarded\"";

pub(super) fn read_trusted(settings: &Settings) -> Vec<String> {
    let Trusted { networks, unix } = &settings.http.trusted_proxies;
    networks.iter().map(ToString::to_string).chain(unix.then(|| "unix".to_owned())).collect()
}

pub(super) fn write_trusted(settings: &mut Settings, texts: &[&str]) -> Result<(), String> {
    if texts.len() > TRUSTED_NETWORKS_MAX {
        return Err(format!("names more than {TRUSTED_NETWORKS_MAX} networks"));
    }
    let mut trusted = Trusted::default();
    for text in texts {
        match *text {
            "unix" => trusted.unix = true,
            text => trusted.networks.push(text.parse::<Network>().map_err(|error| format!("is wrong: {error}"))?),
        }
    }
    settings.http.trusted_proxies = trusted;
    Ok(())
}

pub(super) fn read_protocol(settings: &Settings) -> String {
    if settings.http.proxy_protocol { "v1v2" } else { "off" }.into()
}

pub(super) fn write_protocol(settings: &mut Settings, text: &str) -> Result<(), String> {
    settings.http.proxy_protocol = match text {
        "off" => false,
        "v1v2" => true,
        _ => return Err("is not one of them".into()),
    };
    Ok(())
}

pub(super) fn read_forwarded(settings: &Settings) -> String {
    match settings.http.forwarded {
        None => "off",
        Some(Style::Legacy) => "x-forwarded-for",
        Some(Style::Standard) => "forwarded",
    }
    .into()
}

pub(super) fn write_forwarded(settings: &mut Settings, text: &str) -> Result<(), String> {
    settings.http.forwarded = match text {
        "off" => None,
        "x-forwarded-for" => Some(Style::Legacy),
        "forwarded" => Some(Style::Standard),
        _ => return Err("is not one of them".into()),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_networks_may_be_named_and_no_more() {
        let names: Vec<String> = (0..=TRUSTED_NETWORKS_MAX).map(|n| format!("10.0.{}.{}", n / 256, n % 256)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut settings = Settings::default();
        assert_eq!(write_trusted(&mut settings, &names[..TRUSTED_NETWORKS_MAX]), Ok(()));
        assert!(write_trusted(&mut settings, &names).is_err());
        assert_eq!(settings.http.trusted_proxies.networks.len(), TRUSTED_NETWORKS_MAX, "a refusal changes nothing");
        assert_eq!(write_trusted(&mut settings, &[]), Ok(()));
        assert!(settings.http.trusted_proxies.is_empty());
    }
}
