using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>What is wrong with a request by itself, one rule for each parameter.</summary>
public sealed class RequestRulesTests
{
    private static readonly RequestParameters Sound = new(1, ReadConsistency.LOCAL, 0, 0, 1);

    [Fact]
    public void Check_of_a_sound_request_and_of_one_that_says_nothing_passes()
    {
        Assert.Null(RequestRules.Check(in Sound));
        Assert.Null(RequestRules.Check(new RequestParameters()));
    }

    [Fact]
    public void Check_of_every_fact_has_its_rule_and_its_name_in_the_message()
    {
        Assert.Equal(
            [
                (ErrorCode.INVALID_ARGUMENT, "key cannot be empty"),
                (ErrorCode.KEY_TOO_LARGE, "over the limit"),
                (ErrorCode.INVALID_ARGUMENT, "consistency"),
                (ErrorCode.INVALID_ARGUMENT, "consistency"),
                (ErrorCode.INVALID_ARGUMENT, "max_staleness_ms"),
                (ErrorCode.INVALID_ARGUMENT, "read_version"),
                (ErrorCode.INVALID_ARGUMENT, "timeout"),
            ],
            new (RequestParameters Facts, string Named)[]
            {
                (Sound with { KeyBytes = 0 }, "key cannot be empty"),
                (Sound with { KeyBytes = KvLimits.KeySizeBytes + 1 }, "over the limit"),
                (Sound with { Consistency = (ReadConsistency)3 }, "consistency"),
                (Sound with { Consistency = (ReadConsistency)(-1) }, "consistency"),
                (Sound with { MaxStalenessMs = -1 }, "max_staleness_ms"),
                (Sound with { ReadVersion = -1 }, "read_version"),
                (Sound with { TimeoutMs = 0 }, "timeout"),
            }.Select(wrong => Judge(wrong.Facts, wrong.Named)));
    }

    [Fact]
    public void RequestParameters_optional_field_counts_only_when_it_was_sent()
    {
        Assert.Equal(new RequestParameters(), RequestParameters.Of(new GetRangeRequest()));
        Assert.Equal(
            new RequestParameters(null, ReadConsistency.LEADER, 5, null, 7),
            RequestParameters.Of(new GetRangeRequest
            {
                Consistency = ReadConsistency.LEADER,
                MaxStalenessMs = 5,
                TimeoutMs = 7,
            }));
        Assert.Equal(
            new RequestParameters(3, null, null, 11, null), RequestParameters.Of(
                new SnapshotGetRequest(new byte[3], 11)));
    }

    [Fact]
    public void CheckIdentity_of_one_field_without_the_other_is_refused()
    {
        Assert.Null(RequestRules.CheckIdentity(null, null));
        Assert.Null(RequestRules.CheckIdentity(1, 2));
        Assert.Contains(
            "sequence is missing", RequestRules.CheckIdentity(1, null)!.Value.Message, StringComparison.Ordinal);
        Assert.Contains(
            "client_id is missing", RequestRules.CheckIdentity(null, 2)!.Value.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_of_a_command_is_before_that_of_the_timeout()
    {
        var tooLarge = new DeleteCommand(null, new byte[KvLimits.KeySizeBytes + 1]);
        var sound = new DeleteCommand(null, new byte[1]);

        Assert.Equal(ErrorCode.KEY_TOO_LARGE, RequestRules.Check(tooLarge, 0)!.Value.Code);
        Assert.Equal(ErrorCode.INVALID_ARGUMENT, RequestRules.Check(sound, 0)!.Value.Code);
        Assert.Null(RequestRules.Check(sound, null));
    }

    [Theory]
    [InlineData(null, 60_000L)]
    [InlineData(2L, 2_000L)]
    [InlineData(-1L, -1L)]
    [InlineData(long.MaxValue, int.MaxValue * 1_000L)]
    public void GivenTimeoutMs_of_a_commit_is_its_timeout_seconds_unless_it_says_milliseconds(
        long? seconds, long expectedMs)
    {
        var request = new AtomicCommitRequest(0, [], []);
        if (seconds is long given)
        {
            request.TimeoutSeconds = given;
        }

        Assert.Equal(expectedMs, ((ITimedRequest)request).GivenTimeoutMs);
        request.TimeoutMs = 5;
        Assert.Equal(5, ((ITimedRequest)request).GivenTimeoutMs);
    }

    private static (ErrorCode Code, string Named) Judge(RequestParameters parameters, string named)
    {
        Refusal refusal = RequestRules.Check(in parameters)!.Value;
        Assert.Contains(named, refusal.Message, StringComparison.Ordinal);
        return (refusal.Code, named);
    }
}
