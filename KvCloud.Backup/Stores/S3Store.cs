using System.Net;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace KvCloud.Backup.Stores;

/// <summary>
/// An archive in a bucket of S3 or of a compatible service. Credentials come from the SDK's default chain: environment,
/// profile, container, instance.
/// </summary>
internal sealed class S3Store : IArchiveStore
{
    /// <summary>Retries by the SDK itself, with exponential backoff.</summary>
    private const int SdkRetries = 4;

    /// <summary>The limit of S3 for one request.</summary>
    private const int DeleteBatchSize = 1000;

    private readonly S3Location _location;
    private readonly AmazonS3Client _client;

    /// <exception cref="ArchiveException">There are no credentials.</exception>
    public S3Store(S3Location location)
    {
        _location = location;
        var config = new AmazonS3Config
        {
            ForcePathStyle = location.IsPathStyle,
            MaxErrorRetry = SdkRetries,
            // Archived objects carry their own hashes, and not every S3 service supports the SDK's checksums.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (location.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.ToString();
            config.AuthenticationRegion = location.Region ?? "us-east-1";
        }
        else if (location.Region is { } region)
        {
            config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(region);
        }

        try
        {
            _client = new AmazonS3Client(config);
        }
        catch (AmazonClientException exception)
        {
            throw new ArchiveException($"{Address} cannot be opened: {exception.Message}", exception);
        }
    }

    public string Address => _location.Address;

    public async Task<Stream?> TryOpenAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            GetObjectResponse response = await RunAsync(
                name, () => _client.GetObjectAsync(_location.Bucket, KeyOf(name), cancellationToken));
            return response.ResponseStream;
        }
        catch (ArchiveException exception) when (IsMissing(exception.InnerException))
        {
            return null;
        }
    }

    public async Task<bool> TryCreateAsync(
        string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        // Some S3 services ignore the condition, so the object is looked up first. On those a race remains.
        await using (Stream? there = await TryOpenAsync(name, cancellationToken))
        {
            if (there is not null)
            {
                return false;
            }
        }

        try
        {
            await PutAsync(name, content, mustBeNew: true, cancellationToken);
            return true;
        }
        catch (ArchiveException exception) when (IsConflict(exception.InnerException))
        {
            return false;
        }
    }

    public Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        PutAsync(name, content, mustBeNew: false, cancellationToken);

    public Task<IArchiveUpload> BeginUploadAsync(string name, long sizeBytes, CancellationToken cancellationToken) =>
        Task.FromResult<IArchiveUpload>(new S3Upload(this, _client, _location.Bucket, name, KeyOf(name), sizeBytes));

    public async IAsyncEnumerable<StoredObject> ListAsync(
        string folder, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request { BucketName = _location.Bucket, Prefix = KeyOf(folder) };
        ListObjectsV2Response page;
        do
        {
            page = await RunAsync(folder, () => _client.ListObjectsV2Async(request, cancellationToken));
            foreach (S3Object found in page.S3Objects ?? [])
            {
                yield return new StoredObject(
                    found.Key[_location.Prefix.Length..],
                    found.Size ?? 0,
                    (found.LastModified ?? DateTime.UnixEpoch).ToUniversalTime());
            }

            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true);
    }

    public async Task DeleteAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken)
    {
        foreach (string[] batch in names.Chunk(DeleteBatchSize))
        {
            var request = new DeleteObjectsRequest
            {
                BucketName = _location.Bucket,
                Objects = [.. batch.Select(name => new KeyVersion { Key = KeyOf(name) })],
                Quiet = true,
            };
            await RunAsync(batch[0], () => _client.DeleteObjectsAsync(request, cancellationToken));
        }
    }

    public async Task RemoveAbandonedUploadsAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        var request = new ListMultipartUploadsRequest { BucketName = _location.Bucket, Prefix = _location.Prefix };
        ListMultipartUploadsResponse page;
        do
        {
            page = await RunAsync(
                _location.Prefix, () => _client.ListMultipartUploadsAsync(request, cancellationToken));
            foreach (MultipartUpload upload in page.MultipartUploads ?? [])
            {
                if ((upload.Initiated ?? DateTime.MaxValue).ToUniversalTime() < before)
                {
                    await RunAsync(upload.Key, () => _client.AbortMultipartUploadAsync(
                        _location.Bucket, upload.Key, upload.UploadId, cancellationToken));
                }
            }

            request.KeyMarker = page.NextKeyMarker;
            request.UploadIdMarker = page.NextUploadIdMarker;
        }
        while (page.IsTruncated == true);
    }

    public void Dispose() => _client.Dispose();

    /// <summary>Runs a call. Its failure names the object, and whether a retry may succeed.</summary>
    internal async Task<T> RunAsync<T>(string name, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (AmazonServiceException exception)
        {
            string message = $"{Address}, {name}: {exception.ErrorCode} {exception.Message}".TrimEnd();
            throw IsTransient(exception)
                ? new ArchiveUnavailableException(message, exception)
                : new ArchiveException(message, exception);
        }
        catch (AmazonClientException exception)
        {
            throw new ArchiveException($"{Address}, {name}: {exception.Message}", exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or WebException)
        {
            throw new ArchiveUnavailableException($"{Address}, {name}: {exception.Message}", exception);
        }
    }

    private async Task PutAsync(
        string name, ReadOnlyMemory<byte> content, bool mustBeNew, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream(content.ToArray());
        var request = new PutObjectRequest
        {
            BucketName = _location.Bucket,
            Key = KeyOf(name),
            InputStream = body,
            AutoCloseStream = false,
            UseChunkEncoding = false,
        };
        if (mustBeNew)
        {
            request.IfNoneMatch = "*";
        }

        await RunAsync(name, () => _client.PutObjectAsync(request, cancellationToken));
    }

    private string KeyOf(string name) => _location.Prefix + name;

    private static bool IsMissing(Exception? exception) =>
        exception is AmazonS3Exception { StatusCode: HttpStatusCode.NotFound } failure
        && failure.ErrorCode != "NoSuchBucket";

    private static bool IsConflict(Exception? exception) => exception is AmazonS3Exception
    {
        StatusCode: HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict,
    };

    private static bool IsTransient(AmazonServiceException exception) =>
        exception.StatusCode is 0 or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
        || (int)exception.StatusCode >= 500;
}
