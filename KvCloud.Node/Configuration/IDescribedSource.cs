namespace KvCloud.Node.Configuration;

/// <summary>A layer of the configuration that knows exactly where each value was set.</summary>
internal interface IDescribedSource
{
    /// <summary>For example "kvcloud.toml, line 7" or "command line --consensus.algorithm".</summary>
    string Describe(string configurationPath);
}
