//! What each random draw of the laws on the kernel is for. Numbers from 1000 on, so that they are not those of the world;
//! as there, a number is never reused and never changed.

use crate::random::Purpose;

/// Gap before the n-th arrival; entity: station, index: n.
pub const GAP: Purpose = Purpose(1001);
/// Length of a service; entity: station (or queue), index: customer (or service of the queue).
pub const SERVICE: Purpose = Purpose(1002);
/// Customers at the start; entity: station.
pub const START_COUNT: Purpose = Purpose(1003);
/// What is left of a service that is under way at the start; entity: station, index: customer.
pub const START_RESIDUAL: Purpose = Purpose(1004);
/// Length of a service that is under way at the start; entity: station, index: customer.
pub const START_LENGTH: Purpose = Purpose(1005);
/// First of the two queues that a customer looks at; entity: station, index: customer.
pub const FIRST_CHOICE: Purpose = Purpose(1006);
/// Second of the two queues that a customer looks at; entity: station, index: customer.
pub const SECOND_CHOICE: Purpose = Purpose(1007);
/// Customers of a queue at the start; entity: station, index: queue.
pub const START_QUEUE: Purpose = Purpose(1008);
