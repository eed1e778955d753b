using System.Globalization;
using System.Text.RegularExpressions;
using k8s.Models;

namespace KvCloud.Tests.Deployment;

/// <summary>The environment that a kubelet gives the container of one pod of a stateful set.</summary>
internal static partial class PodEnvironment
{
    public const string Namespace = "somewhere";

    /// <summary>Secrets that may be missing are missing.</summary>
    public static Dictionary<string, string> Of(V1StatefulSet set, int ordinal)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (V1EnvVar variable in set.Spec.Template.Spec.Containers.Single().Env)
        {
            string? value = variable.ValueFrom is null
                ? Expanded(variable.Value, variables)
                : ValueFrom(variable.ValueFrom, set, ordinal);
            if (value is not null)
            {
                variables.Add(variable.Name, value);
            }
        }

        return variables;
    }

    /// <summary>$(NAME) is what stands further up; what does not stays as it is written.</summary>
    private static string Expanded(string value, Dictionary<string, string> before) =>
        Reference().Replace(value, match => before.GetValueOrDefault(match.Groups[1].Value, match.Value));

    private static string? ValueFrom(V1EnvVarSource source, V1StatefulSet set, int ordinal)
    {
        string index = ordinal.ToString(CultureInfo.InvariantCulture);
        return source switch
        {
            { FieldRef.FieldPath: "metadata.namespace" } => Namespace,
            { FieldRef.FieldPath: "metadata.name" } => $"{set.Metadata.Name}-{index}",
            { FieldRef.FieldPath: "metadata.labels['apps.kubernetes.io/pod-index']" } => index,
            { SecretKeyRef: { Optional: true } } => null,
            _ => throw new InvalidOperationException(
                $"no pod has {source.FieldRef?.FieldPath ?? source.SecretKeyRef?.Name ?? "what it asks for"}"),
        };
    }

    [GeneratedRegex(@"\$\((\w+)\)")]
    private static partial Regex Reference();
}
