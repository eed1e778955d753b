using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Protocol;
using ReadConsistency = KvCloud.Protocol.ReadConsistency;

namespace KvCloud.Tests.Node.Rpc;

public sealed class ContractMappingTests
{
    [Fact]
    public void ToErrorCode_of_every_status_has_a_code_of_its_own_with_the_same_number() =>
        Assert.All(Enum.GetValues<KvStatus>(), status => Assert.Equal((int)status, (int)status.ToErrorCode()));

    [Fact]
    public void ToErrorName_of_an_error_is_as_in_the_contract() =>
        Assert.All(
            Enum.GetValues<KvStatus>().Where(status => status != KvStatus.Ok),
            status => Assert.Equal(status.ToErrorCode().ToString(), status.ToErrorName()));

    [Fact]
    public void ToErrorCode_of_success_is_no_error() => Assert.Null(KvStatus.Ok.ToErrorName());

    [Fact]
    public void ToErrorCode_codes_without_a_status_belong_to_the_rpc_layer_alone() =>
        Assert.Equal(
            [
                ErrorCode.NOT_SUPPORTED, ErrorCode.UNAUTHENTICATED, ErrorCode.NETWORK, ErrorCode.SNAPSHOT_GONE,
                ErrorCode.LOG_TRIMMED,
            ],
            Enum.GetValues<ErrorCode>().Except(Enum.GetValues<KvStatus>().Select(status => status.ToErrorCode())));

    [Fact]
    public void ToErrorCode_of_a_status_of_a_newer_program_is_an_internal_error() =>
        Assert.Equal(ErrorCode.INTERNAL, ((KvStatus)99).ToErrorCode());

    [Fact]
    public void ToRouting_of_every_consistency_level_of_the_contract_is_one_of_routing() =>
        Assert.Equal(
            ["LOCAL = Local", "LEADER = Leader", "READ_INDEX = ReadIndex"],
            Enum.GetValues<ReadConsistency>().Select(level => $"{level} = {level.ToRouting()}"));
}
