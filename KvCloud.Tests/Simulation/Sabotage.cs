using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// Ways to break the world around the production replica on purpose. Each must be found by a checker: a simulator that
/// finds nothing proves nothing before it has shown that it would.
/// </summary>
internal enum Sabotage
{
    None = 0,

    /// <summary>The disk says that it has synced, and has not: after a power cut what was told is gone.</summary>
    SyncsNothing,

    /// <summary>After a crash the whole disk is as it was some time ago.</summary>
    DiskIsOfAnOlderDay,

    /// <summary>The promise, and nothing else, is not written to the log.</summary>
    LogLosesPromises,

    /// <summary>Clocks drift apart by more than the lease's margin.</summary>
    ClocksDriftBeyondMargin,

    /// <summary>The leader's clock stands still when it asks whether its lease holds.</summary>
    LeaseNeverEnds,

    /// <summary>The clock of leases does not go on while the machine is suspended.</summary>
    LeaseClockStopsInSuspension,

    /// <summary>The data store forgets a batch now and then.</summary>
    StoreLosesWrites,

    /// <summary>Leader reads do not wait for what a follower may have shown already.</summary>
    LeaderReadsBeforeApplied,

    /// <summary>Reads with a read index do not wait until it is applied.</summary>
    ReadsBeforeIndexApplied,

    /// <summary>Local reads do not ask how fresh the replica is.</summary>
    LocalReadsWithoutFreshness,

    /// <summary>Promises to an older ballot are handed to the candidate as ones to its newest.</summary>
    CountsStalePromises,

    /// <summary>Promises do not tell what was accepted before.</summary>
    PromisesWithoutVotes,

    /// <summary>Promises tell of each vote as if it were of the lowest ballot.</summary>
    PromisesHideBallots,

    /// <summary>An acceptance is told for a ballot that it was not given at.</summary>
    AcceptsAnyBallot,

    /// <summary>Chosen entries are read from the log before they are written there.</summary>
    CatchUpReadsAheadOfLog,

    /// <summary>A node takes what its data has for what its log knows to be chosen.</summary>
    RestoresFromData,

    /// <summary>A node comes back with an empty disk, under its old incarnation.</summary>
    DiskIsWiped,

    /// <summary>
    /// A node votes before all others have met it: one that lost its disk meets one that never met it.
    /// </summary>
    VotesBeforeFormed,

    /// <summary>A write that lost its slot is answered as done.</summary>
    AnswersWithoutOrigin,

    /// <summary>A write whose outcome is unknown is told as one that was never proposed.</summary>
    UnknownOutcomesAreRefusals,

    /// <summary>Who is behind gets nothing from anybody's log.</summary>
    CatchUpsAreEmpty,

    /// <summary>A leader's heartbeats never tell what is chosen, nor do its Accepts.</summary>
    LeaderHidesWhatIsChosen,

    /// <summary>Transactions do not tell what they have read: nothing is found to be in conflict.</summary>
    CommitsWithoutConflictKeys,

    /// <summary>A read at a version is answered with what there is, before that version is applied.</summary>
    SnapshotReadsBeforeApplied,

    /// <summary>A client sends again what was not answered as if it were something new.</summary>
    ResendsAsNew,

    /// <summary>The remembered answers of sessions are lost in a crash.</summary>
    AnswersAreForgotten,

    /// <summary>
    /// One replica remembers fewer sessions than the others: the same commands make another state of it.
    /// </summary>
    SessionLimitsDiffer,

    /// <summary>The log is trimmed by some slots more than everybody has durably.</summary>
    TrimsTooMuch,

    /// <summary>A leader whose disk has stalled goes on leading.</summary>
    StalledLeaderStays,

    /// <summary>Each piece of a snapshot has a wrong bit: no replica that needs one may ever take it.</summary>
    SnapshotsAreFlipped,

    /// <summary>Who is below all logs gets no snapshot from anybody.</summary>
    SnapshotsAreGone,

    /// <summary>
    /// Promises do not tell of changes of members: whoever is behind a change does not know that it is.
    /// </summary>
    PromisesHideMembers,

    /// <summary>
    /// Every pre-vote is granted, and every Prepare says that the leader has asked for it: nobody keeps still for a
    /// lease.
    /// </summary>
    PreparesAreTransfers,

    /// <summary>A store goes on serving when a block of it has gone bad, as if nothing had ever been there.</summary>
    DamagedStoreServes,

    /// <summary>A row of one store is gone, and no checksum misses it.</summary>
    StoreDropsRow,

    /// <summary>A backup loses blocks of the log, and numbers those that follow as if none were missing.</summary>
    BackupsLoseBlocks,

    /// <summary>A restored group goes on with the next version, as if the old one had issued no others.</summary>
    RestoresKeepVersions,

    /// <summary>A restored group has all keys, and none of the answers that sessions remember.</summary>
    RestoresForgetAnswers,

    /// <summary>What a checksum of the log refuses is served all the same.</summary>
    LogServesDamage,

    /// <summary>
    /// Of those who are left when a group has lost its quorum, only the one that is furthest behind is asked.
    /// </summary>
    RecoveryTakesWhoIsBehind,

    /// <summary>Every replica says that it can follow the newest feature level, whatever it can.</summary>
    FeatureLevelsAreOverstated,
}

/// <summary>What a sabotage does to a replica's log and messages.</summary>
internal static class SabotagedParts
{
    /// <param name="isRunning">Whether the replica has been restored from the log.</param>
    public static IPaxosLog OfLog(this Sabotage sabotage, IPaxosLog log, SimStore store, Func<bool> isRunning) =>
        sabotage switch
        {
            Sabotage.LogLosesPromises => new Log(log) { LosesPromises = true },
            Sabotage.LogServesDamage => new Log(log) { ServesDamage = true },
            Sabotage.TrimsTooMuch => new Log(log) { TrimsBeyond = 5 },
            Sabotage.CatchUpReadsAheadOfLog => new Log(log)
            {
                ChosenSlotOf = chosen => isRunning() ? new Slot(long.MaxValue) : chosen,
            },
            Sabotage.RestoresFromData => new Log(log)
            {
                ChosenSlotOf = chosen => isRunning() ? chosen : Slot.Max(chosen, store.AppliedSlot),
            },
            _ => log,
        };

    /// <summary>Whether it needs a backup to do its harm.</summary>
    public static bool IsOfBackups(this Sabotage sabotage) =>
        sabotage is Sabotage.BackupsLoseBlocks or Sabotage.RestoresKeepVersions or Sabotage.RestoresForgetAnswers;

    /// <summary>What a sabotage makes of the messages that a replica sends; null for nothing.</summary>
    public static Func<Message, Message>? OfMessages(this Sabotage sabotage) => sabotage switch
    {
        Sabotage.PromisesWithoutVotes =>
            message => message is Promise promise ? promise with { Entries = [] } : message,
        Sabotage.PromisesHideMembers =>
            message => message is Promise promise ? promise with { MembersSlot = Slot.Zero } : message,
        Sabotage.PromisesHideBallots => message => message is Promise promise
            ? promise with { Entries = [.. promise.Entries.Select(entry => entry with { Accepted = Ballot.Zero })] }
            : message,
        Sabotage.SnapshotsAreFlipped => message => message is SnapshotReply { File: >= 0, Content.Length: > 0 } reply
            ? reply with { Content = (byte[])[(byte)(reply.Content.Span[0] ^ 1), .. reply.Content.Span[1..]] }
            : message,
        Sabotage.SnapshotsAreGone => message => message is SnapshotReply reply
            ? reply with { Answer = SnapshotAnswer.Gone, Content = default }
            : message,
        Sabotage.CatchUpsAreEmpty => message => message is CatchUpReply reply ? reply with { Entries = [] } : message,
        Sabotage.LeaderHidesWhatIsChosen => message => message switch
        {
            Heartbeat heartbeat => heartbeat with { ChosenSlot = Slot.Zero },
            Accept accept => accept with { ChosenSlot = Slot.Zero },
            _ => message,
        },
        Sabotage.AcceptsAnyBallot => message => message is Refused refused
            ? new Accepted(
                refused.From, refused.To, refused.Ballot, [.. Enumerable.Range(1, 200).Select(slot => new Slot(slot))])
            : message,
        _ => null,
    };

    private sealed class Log(IPaxosLog log) : IPaxosLog
    {
        public int TrimsBeyond { get; init; }

        public bool LosesPromises { get; init; }

        public bool ServesDamage { get; init; }

        /// <summary>What this start has written, for who serves damage.</summary>
        private readonly SortedDictionary<long, LogEntry> _written = [];

        public Func<Slot, Slot>? ChosenSlotOf { get; init; }

        public Ballot Promised => log.Promised;

        public Slot ChosenSlot => ChosenSlotOf?.Invoke(log.ChosenSlot) ?? log.ChosenSlot;

        public Slot FirstSlot => log.FirstSlot;

        public Slot LastSlot => log.LastSlot;

        public void Write(IReadOnlyList<Effects> writes)
        {
            log.Write(LosesPromises ? [.. writes.Select(WithoutPromise)] : writes);
            if (ServesDamage)
            {
                foreach (LogEntry entry in writes.SelectMany(write => write.Append))
                {
                    _written[entry.Slot.Value] = entry;
                }
            }
        }

        public IReadOnlyList<LogEntry> Read(Slot from, Slot to, int maxBytes)
        {
            try
            {
                return log.Read(from, to, maxBytes);
            }
            catch (LogCorruptException) when (ServesDamage && _written.ContainsKey(from.Value))
            {
                return [Damage(_written[from.Value])];
            }
        }

        public void TrimBelow(Slot slot) =>
            log.TrimBelow(Slot.Min(new Slot(slot.Value + TrimsBeyond), log.LastSlot));

        public Slot FirstSlotWithin(long bytes) => log.FirstSlotWithin(bytes);

        public void SkipTo(Slot chosen) => log.SkipTo(chosen);

        public void Mark() => log.Mark();

        public long SealedBytes => log.SealedBytes;

        public int Check(ref LogPlace place) => ServesDamage ? 0 : log.Check(ref place);

        public void Dispose() => log.Dispose();

        private static LogEntry Damage(LogEntry entry)
        {
            byte[] payload = entry.Value.Payload.ToArray();
            if (payload.Length > 0)
            {
                payload[^1] ^= 1;
            }

            return entry with { Value = entry.Value with { Payload = payload } };
        }

        private static Effects WithoutPromise(Effects effects)
        {
            var kept = new Effects { ChosenSlot = effects.ChosenSlot };
            kept.Append.AddRange(effects.Append);
            return kept;
        }
    }
}
