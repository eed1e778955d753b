namespace Aspire.Hosting.ApplicationModel;

/// <summary>A replica that runs the program that ships with this package.</summary>
/// <param name="name">The cluster's name and the replica's index.</param>
/// <param name="command">The command that starts the program.</param>
/// <param name="workingDirectory">The directory that contains the program.</param>
public sealed class KvCloudNodeResource(string name, string command, string workingDirectory)
    : ExecutableResource(name, command, workingDirectory);
