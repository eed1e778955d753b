using Amazon.S3;
using Amazon.S3.Model;

namespace KvCloud.Backup.Stores;

/// <summary>
/// An object that is written piece by piece: one PUT if it fits into one part, otherwise a multipart upload, which is
/// invisible until it is completed.
/// </summary>
internal sealed class S3Upload : IArchiveUpload
{
    /// <summary>Buffered in memory. S3 requires at least 5 MiB for each part but the last.</summary>
    private const int DefaultPartBytes = 8 * 1024 * 1024;

    /// <summary>S3 allows 10,000.</summary>
    private const int MaxParts = 9_000;

    private readonly S3Store _store;
    private readonly AmazonS3Client _client;
    private readonly string _bucket;
    private readonly string _name;
    private readonly string _key;
    private readonly MemoryStream _part = new();
    private readonly int _partBytes;
    private readonly List<PartETag> _sent = [];
    private string? _uploadId;
    private bool _isCommitted;

    public S3Upload(S3Store store, AmazonS3Client client, string bucket, string name, string key, long sizeBytes)
    {
        _store = store;
        _client = client;
        _bucket = bucket;
        _name = name;
        _key = key;
        _partBytes = (int)Math.Max(DefaultPartBytes, Math.Min(int.MaxValue / 2, sizeBytes / MaxParts));
    }

    public async Task AppendAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        while (content.Length > 0)
        {
            // A full part is sent only when more follows, so that an object of one part needs one request.
            if (_part.Length == _partBytes)
            {
                await SendPartAsync(cancellationToken);
            }

            int count = (int)Math.Min(content.Length, _partBytes - _part.Length);
            _part.Write(content.Span[..count]);
            content = content[count..];
        }
    }

    public async Task CommitAsync(CancellationToken cancellationToken)
    {
        if (_uploadId is null)
        {
            await _store.WriteAsync(_name, _part.ToArray(), cancellationToken);
        }
        else
        {
            await SendPartAsync(cancellationToken);
            var request = new CompleteMultipartUploadRequest
            {
                BucketName = _bucket,
                Key = _key,
                UploadId = _uploadId,
                PartETags = _sent,
            };
            await _store.RunAsync(_name, () => _client.CompleteMultipartUploadAsync(request, cancellationToken));
        }

        _isCommitted = true;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_isCommitted && _uploadId is { } uploadId)
        {
            try
            {
                await _store.RunAsync(_name, () => _client.AbortMultipartUploadAsync(
                    _bucket, _key, uploadId, CancellationToken.None));
            }
            catch (ArchiveException)
            {
                // A later prune removes the upload.
            }
        }

        await _part.DisposeAsync();
    }

    private async Task SendPartAsync(CancellationToken cancellationToken)
    {
        _uploadId ??= (await _store.RunAsync(
            _name, () => _client.InitiateMultipartUploadAsync(_bucket, _key, cancellationToken))).UploadId;
        _part.Position = 0;
        int number = _sent.Count + 1;
        var request = new UploadPartRequest
        {
            BucketName = _bucket,
            Key = _key,
            UploadId = _uploadId,
            PartNumber = number,
            PartSize = _part.Length,
            InputStream = _part,
            UseChunkEncoding = false,
        };
        UploadPartResponse response =
            await _store.RunAsync(_name, () => _client.UploadPartAsync(request, cancellationToken));
        _sent.Add(new PartETag(number, response.ETag));
        _part.SetLength(0);
    }
}
