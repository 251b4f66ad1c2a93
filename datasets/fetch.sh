#!/usr/bin/env bash
# Fetches a public data set into datasets/public/NAME, or checks what is already there:
#
#   datasets/fetch.sh mnist | fashion-mnist | binarized-mnist | cifar10
#
# Every file must have the SHA-256 below, that of its contents once uncompressed (of CIFAR-10, of
# the archive), so that a file packed anew still counts. A file that is there and right is not
# downloaded again; a file that is wrong is removed; none is ever left half-written.
set -euo pipefail

mnist=https://ossci-datasets.s3.amazonaws.com/mnist
fashion=http://fashion-mnist.s3-website.eu-central-1.amazonaws.com
binarized=http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist
cifar=https://www.cs.toronto.edu/~kriz

fail() {
  echo "fetch.sh: $*" >&2
  exit 1
}

# sha256 FILE: of its contents, uncompressed where its name ends in plain .gz.
sha256() {
  case $1 in
    *.tar.gz) sha256sum <"$1" ;;
    *.gz) gzip -dc <"$1" 2>/dev/null | sha256sum ;;
    *) sha256sum <"$1" ;;
  esac | cut -d ' ' -f 1
}

# check FILE SHA256 SHOWN: removes FILE and fails, naming SHOWN, where the contents are others.
check() {
  local found
  found=$(sha256 "$1") || found="a damaged file"
  [ "$found" = "$2" ] && return
  rm -f "$1"
  fail "$3: expected SHA-256 $2, found $found; removed"
}

# have URL SHA256: makes sure of the file that the URL ends in.
have() {
  local file=$folder/${1##*/} error
  if [ ! -e "$file" ]; then
    partial=$folder/partial-${1##*/}
    error=$(curl --fail --location --silent --show-error --output "$partial" "$1" 2>&1) ||
      fail "$1: expected a download, found $error"
    check "$partial" "$2" "$1"
    mv "$partial" "$file"
  else
    check "$file" "$2" "$file"
  fi
  echo "$file"
}

partial=
trap 'rm -f "$partial"' EXIT

name=${1-}
folder=$(dirname "$0")/public/$name
case $name in
  mnist | fashion-mnist | binarized-mnist | cifar10) mkdir -p "$folder" ;;
  *)
    echo "usage: datasets/fetch.sh mnist|fashion-mnist|binarized-mnist|cifar10" >&2
    exit 64
    ;;
esac

case $name in
  mnist)
    have $mnist/train-images-idx3-ubyte.gz ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
    have $mnist/train-labels-idx1-ubyte.gz 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
    have $mnist/t10k-images-idx3-ubyte.gz 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
    have $mnist/t10k-labels-idx1-ubyte.gz ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2
    ;;
  fashion-mnist)
    have $fashion/train-images-idx3-ubyte.gz c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888
    have $fashion/train-labels-idx1-ubyte.gz bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9
    have $fashion/t10k-images-idx3-ubyte.gz 5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b
    have $fashion/t10k-labels-idx1-ubyte.gz 0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34
    ;;
  binarized-mnist)
    have $binarized/binarized_mnist_train.amat ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d
    have $binarized/binarized_mnist_valid.amat 1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2
    have $binarized/binarized_mnist_test.amat e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c
    ;;
  cifar10)
    have $cifar/cifar-10-binary.tar.gz c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd
    tar -xzf "$folder/cifar-10-binary.tar.gz" -C "$folder" --strip-components 1
    ;;
esac
