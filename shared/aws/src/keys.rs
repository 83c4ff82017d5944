//! Where everything stands: the keys of the table, and the names in the bucket.
//!
//! | `p` | `s` | what |
//! |---|---|---|
//! | `r#<run>` | `c#<first seq, 20 digits>` | a commit |
//! | | `cp` | the checkpoint |
//! | | `head` | the row; in `list`, and in `due` while something is due |
//! | | `ic` | how many inbox items were put |
//! | | `i#<id>` | an inbox item; in `due` while it is unread |
//! | | `sum` | the summary |
//! | `k#<hash of a start key>` | `k` | the run that was started under it |
//! | `w#<tenant>#<workflow>` | `newest` | the newest version; in `list` |
//! | | `v#<generation>#<version>` | a version |
//! | `l#<hash of a limit>` | `held` | who has a place under it |
//! | | `w#<since, 20 digits>#<run>` | a run that waits for one |
//! | `t#<trigger>` | `t` | a trigger; in `list`, and in `due` while a firing of it is not done with |
//!
//! A partition takes a thousand writes a second, so what all runs share is spread over shards, and
//! no tenant is alone in a key.

use lattice_model::limits::{DAY_MS, SUMMARY_DAYS_KEPT};
use lattice_model::{Hash, InboxId, Millis, RunId, Seq, Tenant, TriggerId, WorkflowId};

/// The partition key of the table.
pub(crate) const P: &str = "p";
/// Its sort key.
pub(crate) const S: &str = "s";
/// When the item expires, in seconds since the epoch.
pub(crate) const EXP: &str = "exp";
/// The index of what somebody has to look at, sorted by when.
pub(crate) const DUE: &str = "due";
/// The keys of `DUE`.
pub(crate) const DUE_P: &str = "dp";
/// See `DUE_P`.
pub(crate) const DUE_S: &str = "ds";
/// The index of lists, sorted by id.
pub(crate) const LIST: &str = "list";
/// The keys of `LIST`.
pub(crate) const LIST_P: &str = "lp";
/// See `LIST_P`.
pub(crate) const LIST_S: &str = "ls";

/// Sort keys of single items.
pub(crate) const CHECKPOINT: &str = "cp";
pub(crate) const HEAD: &str = "head";
pub(crate) const INBOX_COUNT: &str = "ic";
pub(crate) const SUMMARY: &str = "sum";
pub(crate) const START: &str = "k";
pub(crate) const NEWEST: &str = "newest";
pub(crate) const TRIGGER: &str = "t";
pub(crate) const PLACES: &str = "held";
/// What the sort keys of many begin with.
pub(crate) const COMMITS: &str = "c#";
pub(crate) const ITEMS: &str = "i#";
pub(crate) const LINE: &str = "w#";

/// Over how many partitions of an index the runs of all tenants are spread.
pub(crate) const SHARDS: u8 = 8;
/// Over how many the list of one tenant.
pub(crate) const LIST_SHARDS: u8 = 4;

/// Bytes of a sort key, at most 1,024 in DynamoDB, beside its prefix.
const ID_BYTES_MAX: usize = 1_000;

pub(crate) fn run(run: &RunId) -> String {
    format!("r#{run}")
}

/// The run of a partition key.
pub(crate) fn run_of(key: &str) -> Option<RunId> {
    key.strip_prefix("r#")?.parse().ok()
}

/// Twenty digits, so that the order of the texts is that of the numbers.
pub(crate) fn commit(first: Seq) -> String {
    format!("{COMMITS}{:020}", first.get())
}

/// The seq of a commit's sort key.
pub(crate) fn first_of(key: &str) -> Option<Seq> {
    let digits = key.strip_prefix(COMMITS)?;
    digits.parse().ok().map(Seq::from_stored)
}

/// An id that is too long for a key stands there as its hash; the item has the id itself.
pub(crate) fn item(id: &InboxId) -> String {
    match id.as_str() {
        text if text.len() <= ID_BYTES_MAX => format!("{ITEMS}{text}"),
        text => format!("{ITEMS}\u{1f}{}", Hash::of(text.as_bytes())),
    }
}

/// The key may be long and may hold anything, so it stands as its hash.
pub(crate) fn start(key: &str) -> String {
    format!("k#{}", Hash::of(key.as_bytes()))
}

/// No tenant has a `#`, so the first one ends it.
pub(crate) fn workflow(tenant: &Tenant, id: &WorkflowId) -> String {
    format!("w#{tenant}#{id}")
}

pub(crate) fn versions(generation: u64) -> String {
    format!("v#{generation:020}#")
}

pub(crate) fn version(generation: u64, version: Hash) -> String {
    format!("{}{version}", versions(generation))
}

pub(crate) fn slot(limit: Hash) -> String {
    format!("l#{limit}")
}

/// Twenty digits, so that whoever was queued first comes first.
pub(crate) fn in_line(since: Millis, run: &RunId) -> String {
    format!("{LINE}{:020}#{run}", since.get())
}

pub(crate) fn trigger(id: &TriggerId) -> String {
    format!("t#{id}")
}

/// The shards in which rows that are due stand.
pub(crate) fn due_shards() -> Vec<String> {
    (0..SHARDS).map(|shard| format!("due#{shard}")).collect()
}

pub(crate) fn due_shard(run: &RunId) -> String {
    format!("due#{}", shard(run.as_str(), SHARDS))
}

/// The shards in which triggers stand whose firings are not done with.
pub(crate) fn firing_shards() -> Vec<String> {
    (0..SHARDS).map(|shard| format!("fire#{shard}")).collect()
}

pub(crate) fn firing_shard(id: &TriggerId) -> String {
    format!("fire#{}", shard(id.as_str(), SHARDS))
}

/// The shards in which unread inbox items stand.
pub(crate) fn inbox_shards() -> Vec<String> {
    (0..SHARDS).map(|shard| format!("in#{shard}")).collect()
}

pub(crate) fn inbox_shard(run: &RunId) -> String {
    format!("in#{}", shard(run.as_str(), SHARDS))
}

/// What a list holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum List {
    Runs,
    Workflows,
    Triggers,
}

impl List {
    fn letter(self) -> char {
        match self {
            Self::Runs => 'l',
            Self::Workflows => 'w',
            Self::Triggers => 't',
        }
    }

    /// The shards of a tenant's list.
    pub(crate) fn shards(self, tenant: &Tenant) -> Vec<String> {
        let letter = self.letter();
        let name = |shard| format!("{letter}#{tenant}#{shard}");
        (0..LIST_SHARDS).map(name).collect()
    }

    /// The shard that the thing with this id stands in.
    pub(crate) fn shard(self, tenant: &Tenant, id: &str) -> String {
        format!("{}#{tenant}#{}", self.letter(), shard(id, LIST_SHARDS))
    }
}

fn shard(id: &str, shards: u8) -> u8 {
    Hash::of(id.as_bytes()).as_bytes()[0] % shards
}

/// A place in the bucket.
pub(crate) fn object(what: &str, hash: Hash) -> String {
    format!("{what}/{hash}")
}

/// A checkpoint too large for an item. Its name changes with its content, so a reader of the item
/// never meets another one's bytes.
pub(crate) fn checkpoint_object(run: &RunId, hash: Hash) -> String {
    format!("checkpoints/{run}/{hash}")
}

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keep {
    /// Days behind the moment in a run's id.
    pub(crate) days: u32,
}

impl Keep {
    pub(crate) fn ms(self) -> u64 {
        u64::from(self.days) * DAY_MS
    }

    /// When the items of a run expire, in seconds: all of them together, because the moment is the
    /// one in the run's id.
    pub(crate) fn expiry(self, run: &RunId) -> u64 {
        made_at(run).plus(self.ms()).get() / 1_000
    }

    /// When its summary expires: it answers for the log that is gone.
    pub(crate) fn summary_expiry(self, run: &RunId) -> u64 {
        let ms = self.ms() + SUMMARY_DAYS_KEPT * DAY_MS;
        made_at(run).plus(ms).get() / 1_000
    }
}

/// The moment in a run's id: the first 48 bits of a ULID, in Crockford's base 32.
pub(crate) fn made_at(run: &RunId) -> Millis {
    const DIGITS: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let digits = run.as_str().bytes().skip("run_".len()).take(10);
    let value = |digit| DIGITS.iter().position(|known| *known == digit).unwrap_or(0) as u64;
    Millis::new(digits.fold(0, |sum, digit| sum << 5 | value(digit)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    const NOON: Millis = Millis::new(1_760_000_000_000);

    fn sample() -> RunId {
        RunId::from_parts(NOON, [7; 10])
    }

    #[test]
    fn keys_of_a_run_stand_in_its_partition() {
        assert_eq!(run(&sample()), format!("r#{}", sample()));
        assert_eq!(run_of(&run(&sample())), Some(sample()));
        assert_eq!(commit(Seq::from_stored(42)), "c#00000000000000000042");
        assert_eq!(
            first_of("c#00000000000000000042"),
            Some(Seq::from_stored(42))
        );
        assert_eq!(commit(Seq::from_stored(u64::MAX)).len(), 22);
        for wrong in ["", "c#", "cp", "c#x"] {
            assert_eq!(first_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_id_of_any_length_fits_a_key() {
        assert_eq!(item(&InboxId::new("a#b")), "i#a#b");
        let long = |last: char| InboxId::new(format!("{}{last}", "ä".repeat(600)));
        assert!(item(&long('a')).len() < 1_024);
        assert_ne!(item(&long('a')), item(&long('b')));
        let at = InboxId::new("x".repeat(1_000));
        assert_eq!(item(&at).len(), 1_002);
    }

    /// Every place belongs to exactly one shard, which is among those that are asked.
    #[test]
    fn what_is_put_in_a_shard_is_looked_for_there() {
        let mut seen = std::collections::BTreeSet::new();
        for number in 0..200 {
            let run = RunId::from_parts(NOON.plus(number), [1; 10]);
            assert!(due_shards().contains(&due_shard(&run)));
            assert!(inbox_shards().contains(&inbox_shard(&run)));
            let trigger = TriggerId::new(run.as_str());
            assert!(firing_shards().contains(&firing_shard(&trigger)));
            let tenant = Tenant::local();
            let shard = List::Runs.shard(&tenant, run.as_str());
            assert!(List::Runs.shards(&tenant).contains(&shard));
            seen.insert(shard);
        }
        assert_eq!(seen.len(), usize::from(LIST_SHARDS));
    }

    #[test]
    fn a_run_is_kept_from_the_moment_in_its_id_on() {
        assert_eq!(made_at(&sample()), NOON);
        assert_eq!(
            made_at(&RunId::from_parts(Millis::new(0), [255; 10])).get(),
            0
        );
        let last = Millis::new(0xffff_ffff_ffff);
        assert_eq!(made_at(&RunId::from_parts(last, [255; 10])), last);
        let keep = Keep { days: 30 };
        assert_eq!(keep.expiry(&sample()), 1_760_000_000 + 30 * 86_400);
        let summary = keep.summary_expiry(&sample()) - keep.expiry(&sample());
        assert_eq!(summary, SUMMARY_DAYS_KEPT * 86_400);
    }
}
