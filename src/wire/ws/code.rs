//! Why a connection ends (RFC 6455 §7.4 and the registry of its codes).

/// The status code of a close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code(u16);

impl Code {
    /// What the connection was for is done.
    pub const NORMAL: Code = Code(1000);
    /// The server goes down, or the page is left.
    pub const GOING_AWAY: Code = Code(1001);
    /// A frame broke a rule of RFC 6455.
    pub const PROTOCOL_ERROR: Code = Code(1002);
    /// A kind of message that is not taken here.
    pub const UNSUPPORTED: Code = Code(1003);
    /// A payload is not what its kind says: text that is no UTF-8, or a body that does not inflate.
    pub const INVALID_PAYLOAD: Code = Code(1007);
    /// A rule that no other code names.
    pub const POLICY: Code = Code(1008);
    /// A message is too large.
    pub const TOO_LARGE: Code = Code(1009);
    /// The server cannot go on.
    pub const INTERNAL: Code = Code(1011);
    /// The server restarts: come back.
    pub const RESTART: Code = Code(1012);
    /// The server has too much to do: come back later.
    pub const TRY_LATER: Code = Code(1013);

    /// Any number, also one that may not be sent.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Whether it may stand in a close frame: those that are assigned and not reserved for a connection that
    /// ended without one (1005, 1006, 1015), and those of libraries and applications.
    pub const fn is_allowed_on_wire(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_may_be_sent_are_told_from_all_others() {
        let allowed: usize = (0..=u16::MAX).filter(|&number| Code::new(number).is_allowed_on_wire()).count();
        assert_eq!(allowed, 4 + 8 + 2000);
        for number in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
            assert!(!Code::new(number).is_allowed_on_wire(), "{number}");
        }
        for number in [1000, 1003, 1007, 1014, 3000, 3999, 4000, 4999] {
            assert!(Code::new(number).is_allowed_on_wire(), "{number}");
        }
    }
}
