//! The replicas of a self-hosted deployment, as its load balancer sees them: who serves, and how busy each is.
//!
//! A request goes to the replica with the fewest requests in service, as in SkyServe's own load balancer (`least_load` of
//! SkyPilot 0.14.1, which breaks ties in rotation; here the one that is there longest takes it).

/// Name of a replica, which no other replica of the run has.
pub type ReplicaId = u32;

/// One replica that serves.
#[derive(Clone, Copy, Debug)]
struct Serving {
    id: ReplicaId,
    busy: u32,
    /// It finishes what it has and takes nothing new.
    leaving: bool,
}

/// All replicas of a deployment that serve.
#[derive(Clone, Debug)]
pub struct Replicas {
    /// Requests that one of them serves at once.
    each: u32,
    serving: Vec<Serving>,
}

impl Replicas {
    /// None serves yet.
    pub fn new(each: u32) -> Replicas {
        Replicas { each, serving: Vec::new() }
    }

    /// Requests that they can serve at once.
    pub fn slots(&self) -> u32 {
        let taking = self.serving.iter().filter(|r| !r.leaving).count() as u32;
        taking.saturating_mul(self.each)
    }

    /// The replica that takes the next request; `None` when all are busy or there is none.
    pub fn choose(&self) -> Option<ReplicaId> {
        let free = self.serving.iter().filter(|r| !r.leaving && r.busy < self.each);
        free.min_by_key(|r| r.busy).map(|r| r.id)
    }

    /// Whether any takes requests, once it has room.
    pub fn any(&self) -> bool {
        self.serving.iter().any(|r| !r.leaving)
    }

    fn get(&mut self, id: ReplicaId) -> Option<&mut Serving> {
        self.serving.iter_mut().find(|r| r.id == id)
    }

    /// A request enters service at a replica.
    pub fn enters(&mut self, id: ReplicaId) {
        if let Some(r) = self.get(id) {
            r.busy += 1;
        }
    }

    /// A request leaves service.
    pub fn leaves(&mut self, id: ReplicaId) {
        if let Some(r) = self.get(id) {
            r.busy -= 1;
        }
    }

    /// A replica begins to serve.
    pub fn add(&mut self, id: ReplicaId) {
        self.serving.push(Serving { id, busy: 0, leaving: false });
    }

    /// A replica takes nothing new from now on.
    pub fn drain(&mut self, id: ReplicaId) {
        if let Some(r) = self.get(id) {
            r.leaving = true;
        }
    }

    /// A replica is gone.
    pub fn remove(&mut self, id: ReplicaId) {
        self.serving.retain(|r| r.id != id);
    }

    /// Requests in service at a replica.
    pub fn busy(&self, id: ReplicaId) -> u32 {
        self.serving.iter().find(|r| r.id == id).map_or(0, |r| r.busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_busy_takes_the_next_and_leaving_ones_none() {
        let mut r = Replicas::new(2);
        assert_eq!((r.choose(), r.slots(), r.any()), (None, 0, false));
        r.add(7);
        r.add(3);
        let mut took = Vec::new();
        for _ in 0..3 {
            let id = r.choose().unwrap();
            r.enters(id);
            took.push(id);
        }
        assert_eq!(took, [7, 3, 7]);
        r.drain(3);
        assert_eq!((r.choose(), r.slots(), r.busy(3)), (None, 2, 1), "7 is full and 3 is leaving");
        r.leaves(7);
        assert_eq!(r.choose(), Some(7));
        r.remove(7);
        r.leaves(7); // its old requests: nobody leaves for them
        assert_eq!((r.choose(), r.any()), (None, false));
    }
}
