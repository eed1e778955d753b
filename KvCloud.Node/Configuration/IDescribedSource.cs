namespace KvCloud.Node.Configuration;

/// <summary>A layer of the configuration that can say where exactly a value was written.</summary>
internal interface IDescribedSource
{
    /// <summary>Such as "kvcloud.toml, line 7" or "command line --consensus.algorithm".</summary>
    string Describe(string configurationPath);
}
