using System.IO.Compression;
using System.Xml.Linq;

namespace KvCloud.Tests.Packaging;

/// <summary>A .nupkg: what its nuspec says, and its files.</summary>
internal sealed record PackedPackage(string Path, XElement Metadata, IReadOnlyDictionary<string, long> Files)
{
    public string Id => Text("id");

    public string Version => Text("version");

    /// <summary>By id, with the least version.</summary>
    public IReadOnlyDictionary<string, string> Dependencies { get; } = Metadata.Descendants()
        .Where(element => element.Name.LocalName == "dependency")
        .ToDictionary(element => (string)element.Attribute("id")!, element => (string)element.Attribute("version")!);

    public static PackedPackage Read(string path)
    {
        using ZipArchive zip = ZipFile.OpenRead(path);
        var files = zip.Entries
            .Where(entry => !entry.FullName.StartsWith("_rels/", StringComparison.Ordinal)
                && !entry.FullName.StartsWith("package/", StringComparison.Ordinal)
                && entry.FullName != "[Content_Types].xml")
            .ToDictionary(entry => entry.FullName, entry => entry.Length);
        ZipArchiveEntry nuspec =
            zip.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal));
        using Stream stream = nuspec.Open();
        XElement metadata = XDocument.Load(stream).Root!.Elements().Single(e => e.Name.LocalName == "metadata");
        return new PackedPackage(path, metadata, files);
    }

    /// <summary>An element of the nuspec; empty where there is none.</summary>
    public string Text(string element) => Element(element)?.Value ?? "";

    public XElement? Element(string name) => Metadata.Elements().SingleOrDefault(e => e.Name.LocalName == name);

    public byte[] Bytes(string file)
    {
        using ZipArchive zip = ZipFile.OpenRead(Path);
        using Stream stream = zip.GetEntry(file)!.Open();
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }
}
