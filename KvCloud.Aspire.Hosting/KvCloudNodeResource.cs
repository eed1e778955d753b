namespace Aspire.Hosting.ApplicationModel;

/// <summary>A replica that runs the program which comes with this package.</summary>
/// <param name="name">Name of the cluster and index of the replica.</param>
/// <param name="command">What starts it.</param>
/// <param name="workingDirectory">Where the program is.</param>
public sealed class KvCloudNodeResource(string name, string command, string workingDirectory)
    : ExecutableResource(name, command, workingDirectory);
