"""The worker, under the file name that RunPod's Hub and existing deployments start."""

from entrypoints.runpod_worker import main

if __name__ == "__main__":
    main()
