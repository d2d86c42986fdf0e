//! What evaluation may cost: Kubernetes' limits, in its units.
//!
//! A step costs about what cel-go and the API server charge for it: one for each name, field and call, a tenth
//! for each letter, ten for a list. Where our work is dearer (a pattern that is compiled at each call) more is
//! charged. So an expression far below a limit here is far below it there; near it they may differ.

use super::Failure;

/// What one expression may cost: the API server's `PerCallLimit`.
pub const EXPRESSION_LIMIT: u64 = 1_000_000;
/// What all expressions of a policy with one binding may cost together: its `RuntimeCELCostBudget`.
pub const POLICY_LIMIT: u64 = 10_000_000;

/// What is left.
#[derive(Debug)]
pub(crate) struct Budget {
    of_expression: u64,
    of_policy: u64,
}

impl Budget {
    /// All that a policy may cost.
    pub(crate) const fn of_policy() -> Self {
        Self { of_expression: EXPRESSION_LIMIT, of_policy: POLICY_LIMIT }
    }

    /// Begins another expression, and gives what was left of the one before.
    pub(crate) const fn begin(&mut self) -> u64 {
        std::mem::replace(&mut self.of_expression, EXPRESSION_LIMIT)
    }

    /// Goes on with an expression that another one interrupted.
    pub(crate) const fn resume(&mut self, left: u64) {
        self.of_expression = left;
    }

    /// What has been spent of the policy's budget.
    #[cfg(test)]
    pub(crate) const fn spent(&self) -> u64 {
        POLICY_LIMIT - self.of_policy
    }

    /// Pays for work, before it is done.
    ///
    /// # Errors
    /// A limit is exceeded: nothing absorbs this failure.
    pub(crate) fn charge(&mut self, cost: u64) -> Result<(), Failure> {
        let left = (self.of_expression.checked_sub(cost), self.of_policy.checked_sub(cost));
        match left {
            (Some(of_expression), Some(of_policy)) => {
                (self.of_expression, self.of_policy) = (of_expression, of_policy);
                Ok(())
            }
            (None, _) => {
                self.of_expression = 0;
                Err(Failure::CostExceeded { limit: EXPRESSION_LIMIT })
            }
            (_, None) => {
                self.of_policy = 0;
                Err(Failure::CostExceeded { limit: POLICY_LIMIT })
            }
        }
    }

    /// Pays for passing over letters or bytes.
    pub(crate) fn charge_letters(&mut self, count: u64) -> Result<(), Failure> {
        self.charge(count.div_ceil(10))
    }
}
