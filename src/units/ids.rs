//! Indices of the things a scenario declares. An index is a position in the validated scenario's list of that kind;
//! it is never an entity key of a random draw (those are hashes of stable names).

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u16);

        impl $name {
            /// From a position in the list.
            ///
            /// # Panics
            /// If the position exceeds `u16::MAX`: validation refuses such scenarios.
            #[inline]
            pub fn new(i: usize) -> $name {
                $name(u16::try_from(i).expect("validated scenarios have fewer than 65536 entities of a kind"))
            }
            /// The position in the list.
            #[inline]
            pub const fn ix(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index! {
    /// A cloud region that the scenario mentions (application or provider).
    RegionIx
}
index! {
    /// A group of users.
    GroupIx
}
index! {
    /// A deployment: one model served by one provider in one region under one quota.
    DeploymentIx
}
index! {
    /// A model, wherever it is served.
    ModelIx
}
index! {
    /// A provider of models.
    ProviderIx
}
