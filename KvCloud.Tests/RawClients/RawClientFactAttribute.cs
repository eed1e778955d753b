using KvCloud.Tests.Support;

namespace KvCloud.Tests.RawClients;

/// <summary>
/// A test with a client of another language. Where its tools are missing it is skipped; where CI is true it runs, and
/// fails.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RawClientFactAttribute : FactAttribute
{
    public RawClientFactAttribute(string language)
    {
        string? missing = !ExternalTool.IsThere("thrift") ? "the thrift compiler (thrift-compiler)" : language switch
        {
            "python" => RawClientKit.Python is null ? "Python's thrift (python3-thrift)" : null,
            "node" => ExternalTool.IsThere("node") && ExternalTool.IsThere("npm") ? null : "node and npm",
            "cpp" => HasCpp() ? null : "g++, libthrift-dev and libboost-dev",
            _ => throw new ArgumentException($"no raw client is written in {language}", nameof(language)),
        };
        if (missing is not null && Environment.GetEnvironmentVariable("CI") != "true")
        {
            Skip = $"{missing} is not installed";
        }
    }

    /// <summary>Thrift's headers include Boost's, but Debian's package does not bring them along.</summary>
    private static bool HasCpp() => ExternalTool.IsThere("g++")
        && File.Exists("/usr/include/thrift/Thrift.h") && File.Exists("/usr/include/boost/version.hpp");
}
