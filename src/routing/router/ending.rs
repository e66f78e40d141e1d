//! What the router takes in when a call is no longer out.

use super::{Journey, Router};
use crate::routing::balance::Balance;
use crate::routing::guard::Guard;
use crate::routing::outcome::{Observation, Outcome};
use crate::routing::retry::budget::RetryBudget;
use crate::units::{DeploymentIx, Time};

impl Router {
    /// Takes in how a call ended without deciding anything. True when the deployment has just been taken out of service.
    pub fn observe(&mut self, now: Time, journey: &mut Journey, deployment: DeploymentIx, seen: &Observation) -> bool {
        let d = deployment.ix();
        self.leave(now, journey, deployment, Some(seen));
        let of_the_request = matches!(seen.outcome, Outcome::Failed { class, .. } if !self.config.on.contains(class));
        if let Some(budget) = &mut self.budget
            && !of_the_request
        {
            budget.on_outcome(now, seen.outcome, journey.paid);
        }
        if let Some(throttle) = &mut self.throttle {
            throttle.on_end(now, seen.outcome);
        }
        let pool = usize::from(journey.pool);
        if let Some(position) = self.positions[pool][d] {
            self.balancers[pool].on_end(now, usize::from(position), seen);
            if matches!(seen.outcome, Outcome::Failed { class, .. } if class.outlasts_a_pause()) {
                journey.tried.give_up_on(usize::from(position));
            }
        }
        let mut taken_out = false;
        for guard in &mut self.guards {
            guard.advance(now);
            taken_out |= guard.on_end(now, d, seen);
        }
        taken_out
    }

    /// A call is given up without an outcome (the user went away, the region died, another call of a race won).
    pub fn on_abandoned(&mut self, now: Time, journey: &mut Journey, deployment: DeploymentIx) {
        let d = deployment.ix();
        self.leave(now, journey, deployment, None);
        let pool = usize::from(journey.pool);
        if let Some(position) = self.positions[pool][d] {
            self.balancers[pool].on_abandoned(now, usize::from(position));
        }
        for guard in &mut self.guards {
            guard.on_abandoned(now, d);
        }
    }

    /// The request is given up between attempts: a retry that was paid for is not made. Its price is not given back, as in
    /// the clients that have budgets.
    pub fn on_given_up(&mut self, journey: &mut Journey) {
        if std::mem::take(&mut journey.cleared) {
            self.load.retries -= 1;
        }
        if let (Some(throttle), Some(turn)) = (&mut self.throttle, journey.turn.take()) {
            throttle.give_up(turn);
        }
    }

    /// A call to the deployment is no longer out. (Calls of a request that are out together go to different
    /// deployments, so the deployment tells which of them it was.)
    fn leave(&mut self, now: Time, journey: &mut Journey, deployment: DeploymentIx, seen: Option<&Observation>) {
        if let Some(limits) = &mut self.limits {
            limits.end(now, &mut journey.holding, deployment, seen);
        }
        journey.out -= 1;
        self.in_flight[deployment.ix()] -= 1;
        self.load.active -= 1;
        self.out[usize::from(journey.pool)] -= 1;
        if journey.first_out && journey.first == Some(deployment) {
            journey.first_out = false;
        } else if journey.retries_out > 0 {
            journey.retries_out -= 1;
            self.load.retries -= 1;
        }
    }
}
