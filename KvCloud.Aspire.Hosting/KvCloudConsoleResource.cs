namespace Aspire.Hosting.ApplicationModel;

/// <summary>The console that ships with this package.</summary>
/// <param name="name">The cluster's name with <c>-console</c>.</param>
/// <param name="command">The command that starts the program.</param>
/// <param name="workingDirectory">The directory that contains the program.</param>
public sealed class KvCloudConsoleResource(string name, string command, string workingDirectory)
    : ExecutableResource(name, command, workingDirectory);
