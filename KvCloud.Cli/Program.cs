using KvCloud.Cli;

return await KvProgram.RunAsync(args, KvConsole.ForProcess(), CancellationToken.None);
