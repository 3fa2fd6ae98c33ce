//! The client's address, as Envoy trusts it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How much of an address names a client. An IPv6 host may take any address of
/// its network, so fewer than all bits are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefixes {
    /// Bits of an IPv4 address, 1 to 32.
    pub ipv4: u8,
    /// Bits of an IPv6 address, 1 to 128.
    pub ipv6: u8,
}

/// The network of Envoy's `source.address`, `10.0.0.1:1234` or `[::1]:1234`.
/// `None` for what is no internet address, such as a Unix socket.
pub(crate) fn network(address: &[u8], prefixes: Prefixes) -> Option<IpAddr> {
    let address: SocketAddr = std::str::from_utf8(address).ok()?.parse().ok()?;
    Some(prefixes.network(address.ip()))
}

/// The bytes of an address: four or sixteen.
pub(crate) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

// === impl Prefixes ===

impl Prefixes {
    /// The address of the network that an address is in. An IPv4 address mapped
    /// into IPv6 counts as what it is.
    pub fn network(self, address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32_u32.saturating_sub(self.ipv4.into()));
                Ipv4Addr::from_bits(ip.to_bits() & mask.unwrap_or(0)).into()
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128_u32.saturating_sub(self.ipv6.into()));
                Ipv6Addr::from_bits(ip.to_bits() & mask.unwrap_or(0)).into()
            }
        }
    }
}

impl Default for Prefixes {
    fn default() -> Self {
        Self { ipv4: 32, ipv6: 64 }
    }
}
